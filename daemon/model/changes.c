/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "changes.h"
#include "log.h"
#include "vm.h"

void changes_init(Changes *c, ChangesHandler pending, void *userdata) {
        *c = (Changes) { .pending = pending, .userdata = userdata };
        TAILQ_INIT(&c->vms);
        TAILQ_INIT(&c->gone);
}

void changes_done(Changes *c) {
        GoneVM *gone;

        while ((gone = changes_take_gone(c)))
                gone_vm_free(gone);
}

void world_queue_changes(World *w, unsigned changes) {
        w->changes.world |= changes;
        w->changes.pending(w->changes.userdata);
}

void vm_queue_changes(VM *vm, unsigned changes) {
        Changes *c = &vm->world->changes;

        vm->signals.changed |= changes;
        if (!vm->signals.changes_queued) {
                vm->signals.changes_queued = true;
                TAILQ_INSERT_TAIL(&c->vms, vm, signals.of_changed);
        }
        c->pending(c->userdata);
}

static int note_gone(Changes *c, const VM *vm) {
        _cleanup_(gone_vm_freep) GoneVM *gone = NULL;

        gone = calloc(1, sizeof(*gone));
        if (!gone)
                return -ENOMEM;

        gone->name = strdup(vm->name);
        if (!gone->name)
                return -ENOMEM;

        memcpy(gone->uuid, vm->uuid, sizeof(gone->uuid));
        gone->is_machine = vm->kind == VM_KIND_MACHINE;
        TAILQ_INSERT_TAIL(&c->gone, gone, entries);
        gone = NULL;
        return 0;
}

void changes_vm_gone(VM *vm) {
        Changes *c = &vm->world->changes;

        if (vm->signals.changes_queued)
                TAILQ_REMOVE(&c->vms, vm, signals.of_changed);
        vm->signals.changes_queued = false;
        if (vm->signals.visibility != VM_ON_BUS)
                return;

        vm->signals.visibility = VM_ANNOUNCED;
        if (note_gone(c, vm) < 0)
                log_oom();
        c->pending(c->userdata);
}

VM *changes_take_vm(Changes *c) {
        VM *vm = TAILQ_FIRST(&c->vms);

        if (vm) {
                TAILQ_REMOVE(&c->vms, vm, signals.of_changed);
                vm->signals.changes_queued = false;
        }

        return vm;
}

GoneVM *changes_take_gone(Changes *c) {
        GoneVM *gone = TAILQ_FIRST(&c->gone);

        if (gone)
                TAILQ_REMOVE(&c->gone, gone, entries);

        return gone;
}

GoneVM *gone_vm_free(GoneVM *gone) {
        if (!gone)
                return NULL;

        free(gone->name);
        free(gone);
        return NULL;
}
