/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <search.h>

#include "cgroup-path.h"
#include "other-machines.h"
#include "set.h"
#include "vm-place.h"

const char *vm_state_to_string(VMState state) {
        return state == VM_RESERVED ? "reserved" : "running";
}

LogContext vm_log_context(const VM *vm, const char *message_id) {
        return (LogContext) { .message_id = message_id, .vm_uuid = vm->uuid, .vm_name = vm->name };
}

static int compare_uuids(const void *a, const void *b) {
        const VM *x = a, *y = b;

        return strcmp(x->uuid, y->uuid);
}

VM *vm_find_by_uuid(const World *w, const char *uuid) {
        VM wanted = {};
        VM **found;

        if (strlen(uuid) >= sizeof(wanted.uuid))
                return NULL;

        strcpy(wanted.uuid, uuid);
        found = tfind(&wanted, &w->vms_by_uuid, compare_uuids);
        return found ? *found : NULL;
}

VM *vm_find_next_by_key(const World *w, const char *key, const VM *after) {
        VM *vm;

        /* All other keys are UUIDs. */
        if (strncmp(key, STATE_UNIT_PREFIX, strlen(STATE_UNIT_PREFIX)) != 0) {
                vm = after ? NULL : vm_find_by_uuid(w, key);
                return vm && streq(vm->key, key) ? vm : NULL;
        }

        for (vm = after ? TAILQ_NEXT(after, entries) : TAILQ_FIRST(&w->vms); vm; vm = TAILQ_NEXT(vm, entries))
                if (streq(vm->key, key))
                        return vm;

        return NULL;
}

VM *vm_find_by_key(const World *w, const char *key) {
        return vm_find_next_by_key(w, key, NULL);
}

VM *vm_find_by_machine(const World *w, const char *machine) {
        VM *vm;

        TAILQ_FOREACH (vm, &w->vms, entries)
                if (streq_ptr(vm->machine, machine))
                        return vm;

        return NULL;
}

int replace_string(char **where, const char *s) {
        char *copy = NULL;

        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }

        free(*where);
        *where = copy;
        return 0;
}

int vm_new(World *w, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret) {
        VM *vm;

        if (vm_find_by_uuid(w, uuid))
                return -EEXIST;

        vm = calloc(1, sizeof(*vm));
        if (!vm)
                return -ENOMEM;

        TAILQ_INIT(&vm->sets);
        TAILQ_INIT(&vm->other_machines);
        vm->world = w;
        limit_init(&vm->misc_max, LIMIT_VM);
        vm->log_level = LOG_INFO;
        vm->kind = kind;
        vm->state = kind == VM_KIND_MACHINE ? VM_RESERVED : VM_RUNNING;
        snprintf(vm->uuid, sizeof(vm->uuid), "%s", uuid);
        vm->key = strdup(key ? key : uuid);
        vm->name = strdup(name);
        vm->number = ++w->last_vm_number;
        TAILQ_INSERT_TAIL(&w->vms, vm, entries);
        w->n_vms++;

        if (!tsearch(vm, &w->vms_by_uuid, compare_uuids) || !vm->key || !vm->name) {
                vm_free(vm);
                return -ENOMEM;
        }

        *ret = vm;
        return 0;
}

VM *vm_free(VM *vm) {
        World *w = vm->world;
        OtherMachine *other;
        Set *set;

        while ((set = TAILQ_FIRST(&vm->sets)))
                vm_remove_set(vm, set);
        while ((other = other_machines_take(vm)))
                other_machine_free(other);

        if (vm->signals.changes_queued)
                TAILQ_REMOVE(&w->changes.vms, vm, signals.of_changed);
        TAILQ_REMOVE(&w->vms, vm, entries);
        w->n_vms--;
        (void) tdelete(vm, &w->vms_by_uuid, compare_uuids);

        free(vm->key);
        free(vm->name);
        free(vm->machine);
        vm_place_clear(vm);
        free(vm->place.slice);
        free(vm->quota.error);
        limit_done(&vm->misc_max);
        free(vm);
        return NULL;
}

bool vm_is_in_slice(const VM *vm, const char *slice) {
        const char *own = vm->place.slice;

        if (!own) {
                const Announcement *a = state_get_announcement(vm->world->state.runtime, vm->key);

                own = a ? a->slice : NULL;
        }

        return own && slice_is_below(own, slice);
}

int vm_set_name(VM *vm, const char *name) {
        int r;

        if (streq(vm->name, name))
                return 0;

        r = replace_string(&vm->name, name);
        if (r < 0)
                return r;

        vm_queue_changes(vm, VM_CHANGED_NAME);
        return 0;
}

void vm_add_set(VM *vm, Set *set) {
        set->vm = vm;
        set->match = SET_MATCH_DONE;
        TAILQ_INSERT_TAIL(&vm->sets, set, of_vm);
        vm->n_sets++;
}

void vm_remove_set(VM *vm, Set *set) {
        TAILQ_REMOVE(&vm->sets, set, of_vm);
        vm->n_sets--;
        set->vm = NULL;
        set->match = SET_MATCH_WAITING;
        limit_forget(&set->quota);
        limit_forget(&set->watermark);
}
