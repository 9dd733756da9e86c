/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-qemu.h"
#include "messages.h"
#include "reservation.h"
#include "start-evidence.h"
#include "state-store.h"
#include "uuid.h"
#include "vm-life.h"
#include "vm-machine.h"
#include "vm-quota.h"
#include "vm-reserve.h"

/* Limits extensions, because the evidence does not prove that libvirt still works on the start. */
#define EXTENSIONS_MAX 20U

/* Is the VM still being started? */
static bool is_still_starting(VM *vm) {
        const Control *control = vm->life->control;
        StartEvidence evidence;

        if (vm->life->n_extensions >= EXTENSIONS_MAX)
                return false;

        evidence = start_evidence_find(
                control->root, vm->name, state_get_announcement(control->world.state.runtime, vm->key));
        if (evidence == START_EVIDENCE_NONE)
                return false;

        vm->life->n_extensions++;
        log_debug("VM %s is still starting, there is %s: keeping its reservation.", vm->name,
                start_evidence_to_string(evidence));
        return true;
}

/* The VM may still have sets of an earlier run. */
static void drop_reserved(VM *vm, const char *reason) {
        Control *control = vm->life->control;

        state_store_drop_reservation(control->store, vm->key);
        vm_remove(vm, reason);
        control->hooks->sets_may_match(control);
}

void vm_start_overdue(VM *vm) {
        LogContext context = vm_log_context(vm, MESSAGE_RESERVATION_LAPSED);

        if (vm->machine) {
                log_debug("VM %s did not start again as announced.", vm->name);
                state_store_forget_next(vm->life->control->store, vm->key);
                return;
        }

        if (vm_machine_find_unregistered(vm, NULL))
                return;
        if (is_still_starting(vm)) {
                reservation_await_start(vm);
                return;
        }

        log_context(LOG_NOTICE, &context, "VM %s was announced but never started, dropping its reservation.",
                vm->name);
        drop_reserved(vm, "it never started");
}

static int announce_next(VM *vm, const char *name, const Announcement *announced) {
        _cleanup_(state_next_clear) StateNext next = {};
        int r;

        r = state_next_make(name, announced, vm->machine, vm->machine_usec, &next);
        if (r >= 0)
                r = state_store_set_next(vm->life->control->store, vm->key, vm->name, &next);
        if (r < 0)
                return r;

        reservation_await_start(vm);
        return 0;
}

int vm_reserve(Control *control, const char *uuid, const char *name, const Announcement *announced,
        ReserveKind kind, const Caller *caller, VM **ret) {
        VM *vm;
        int r;

        if (kind == RESERVE_UPDATE) {
                vm = vm_find_by_uuid(&control->world, uuid);
                if (vm)
                        (void) vm_machine_find_unregistered(vm, caller);
                if (!vm || vm->kind != VM_KIND_MACHINE || !vm->machine)
                        return -ESRCH;
        }

        r = vm_machine_get(control, uuid, name, &vm);
        if (r < 0)
                return r;

        if (vm->machine && kind == RESERVE_START) {
                r = announce_next(vm, name, announced);
                if (r < 0)
                        return r;

                *ret = vm;
                return 0;
        }

        r = state_store_set_reservation(control->store, uuid, name, announced,
                vm->machine ? RESERVATION_RUNNING : RESERVATION_PREPARED);
        if (r < 0) {
                if (vm->signals.visibility == VM_HIDDEN)
                        vm_discard(vm);
                return r;
        }

        r = vm_set_name(vm, name);
        if (r < 0)
                return r;

        vm->life->n_extensions = 0;
        if (kind == RESERVE_RECONNECT)
                (void) vm_machine_find_unregistered(vm, caller);
        if (!vm->machine)
                reservation_await_start(vm);

        vm_apply(vm, caller);
        vm_announce(vm);

        *ret = vm;
        return 0;
}

void vm_release(Control *control, const char *uuid, const Caller *caller) {
        VM *vm;

        vm = vm_find_by_uuid(&control->world, uuid);
        if (vm && vm->kind != VM_KIND_MACHINE)
                vm = NULL;

        if (vm && vm->machine) {
                /* Its processes may not have ended yet, so the quota stays in force. */
                vm->life->reservation_timeout = sd_event_source_disable_unref(vm->life->reservation_timeout);
                state_store_forget_next(control->store, uuid);
                (void) vm_machine_check_unregistered(vm, caller);
                return;
        }

        if (vm)
                drop_reserved(vm, "it was released");
        else
                state_store_drop_reservation(control->store, uuid);
}

/* Creates the VM of a stored reservation. */
static int restore(Control *control, const StateEntry *e) {
        char uuid[UUID_STRING_SIZE];
        VM *vm;
        int r;

        if (uuid_canonical(e->key, uuid) < 0)
                return 0;

        r = vm_create(control, VM_KIND_MACHINE, uuid, NULL, e->name ? e->name : uuid, &vm);
        if (r == -EEXIST)
                return 0;
        if (r < 0)
                return r;

        reservation_await_start(vm);
        vm_apply(vm, NULL);
        vm_announce(vm);
        return 0;
}

static bool runs_unregistered(const Control *control, const StateEntry *e) {
        _cleanup_(libvirt_qemu_clear) LibvirtQemu qemu = {};

        return e->running && e->name && libvirt_qemu_find(control->root, e->name, &qemu) >= 0;
}

/* The end of an unregistered machine is not announced, so this checks whether it has ended. */
static int take_next_of_unregistered(Control *control) {
        int r;

        /* Each call changes the state, but not the order of its entries. */
        for (size_t i = 0; i < control->world.state.runtime->n_entries; i++) {
                const StateEntry *e = &control->world.state.runtime->entries[i];
                _cleanup_free_ char *key = NULL;

                if (!e->next.name || e->next.after_usec > 0 || runs_unregistered(control, e))
                        continue;

                key = strdup(e->key);
                if (!key)
                        return -ENOMEM;
                r = state_store_take_next(control->store, key, RESERVATION_PREPARED);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Registered machines are restored with machined's list. */
int vm_restore_reservations(Control *control) {
        const State *state;
        VM *vm;
        int r;

        r = take_next_of_unregistered(control);
        if (r < 0)
                return r;

        state = control->world.state.runtime;
        for (size_t i = 0; i < state->n_entries; i++) {
                const StateEntry *e = &state->entries[i];

                if (!e->reserved && !runs_unregistered(control, e))
                        continue;
                r = restore(control, e);
                if (r < 0)
                        return r;
        }

        /* In a separate loop, because this may change the state. */
        TAILQ_FOREACH (vm, &control->world.vms, entries)
                (void) vm_machine_find_unregistered(vm, NULL);

        return 0;
}

static const StateEntry *find_stale(Control *control) {
        const State *state = control->world.state.runtime;

        for (size_t i = 0; i < state->n_entries; i++)
                if (state->entries[i].running && !vm_find_by_uuid(&control->world, state->entries[i].key))
                        return &state->entries[i];

        return NULL;
}

/* The VM ended while the daemon did not run. Its next start may have been announced. */
static int end_missed_vm(Control *control, const char *key) {
        int r;

        if (!state_get_next(control->world.state.runtime, key)) {
                state_store_drop_reservation(control->store, key);
                return 0;
        }

        r = state_store_take_next(control->store, key, RESERVATION_PREPARED);
        return r < 0 ? r : restore(control, state_get_reservation(control->world.state.runtime, key));
}

void vm_reservations_check(Control *control) {
        const StateEntry *e;
        int r;

        while ((e = find_stale(control))) {
                _cleanup_free_ char *key = strdup(e->key);

                if (!key)
                        return;

                r = end_missed_vm(control, key);
                if (r < 0)
                        log_error_errno(r, "Cannot update the reservation of VM %s: %m", key);
                e = state_get_reservation(control->world.state.runtime, key);
                if (e && e->running)
                        return; /* the failure has been logged */
        }
}
