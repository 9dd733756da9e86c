/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"
#include "reservation.h"
#include "state-store.h"
#include "vm-life.h"
#include "vm-quota.h"

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        VM *vm = userdata;

        vm->life->reservation_timeout = sd_event_source_disable_unref(vm->life->reservation_timeout);
        vm->life->control->hooks->start_overdue(vm);
        return 0;
}

void reservation_await_start(VM *vm) {
        uint64_t usec = (uint64_t) vm->world->config->reservation_timeout_sec * 1000000;
        int r;

        vm->life->reservation_timeout = sd_event_source_disable_unref(vm->life->reservation_timeout);
        r = sd_event_add_time_relative(vm->life->control->event, &vm->life->reservation_timeout,
                CLOCK_MONOTONIC, usec, usec / 10, on_timeout, vm);
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
        else
                (void) sd_event_source_set_description(vm->life->reservation_timeout, "vm-reservation");
}

/*
 * Is the VM's machine later than the one that it had when the next start was announced? An earlier one can come first in
 * the list. For unregistered machines there is no timestamp, only the name with libvirt's running number.
 */
static bool is_later(const VM *vm, const StateNext *next) {
        if (vm->machine_usec == 0 || vm->machine_usec == next->after_usec)
                return !streq_ptr(vm->machine, next->after);

        return vm->machine_usec > next->after_usec;
}

/* Makes the announcement of the next start the current one. */
static int take_next(VM *vm, Reservation reservation) {
        Control *control = vm->life->control;
        int r;

        r = state_store_take_next(control->store, vm->key, reservation);
        return r < 0 ? r
                     : vm_set_name(vm, state_get_reservation(control->world.state.runtime, vm->key)->name);
}

/* Records that the reserved VM runs. */
static int keep_reservation(VM *vm) {
        const StateEntry *e = state_get_reservation(vm->world->state.runtime, vm->key);

        if (!e)
                return 0;

        return state_store_set_reservation(
                vm->life->control->store, vm->key, vm->name, &e->announced, RESERVATION_RUNNING);
}

int reservation_begin(VM *vm) {
        const StateNext *next = state_get_next(vm->world->state.runtime, vm->key);

        vm->life->n_extensions = 0;
        vm->life->reservation_timeout = sd_event_source_disable_unref(vm->life->reservation_timeout);
        if (next && is_later(vm, next))
                return take_next(vm, RESERVATION_RUNNING);

        /* The daemon was restarted after the next start had been announced. */
        if (next)
                reservation_await_start(vm);
        return keep_reservation(vm);
}

void reservation_end(VM *vm, const Caller *caller) {
        Control *control = vm->life->control;

        if (!state_get_next(control->world.state.runtime, vm->key)) {
                state_store_drop_reservation(control->store, vm->key);
                vm_remove(vm, "its machine has ended");
                return;
        }

        if (vm_set_machine(vm, NULL, NULL, 0) < 0 || take_next(vm, RESERVATION_PREPARED) < 0)
                log_error("Cannot make the next start of VM %s its reservation.", vm->name);
        reservation_await_start(vm);
        vm_apply(vm, caller);
}
