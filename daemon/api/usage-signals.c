/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "signal-gate.h"
#include "signals.h"
#include "usage-signals.h"
#include "usage.h"

#define TURN_USEC (UINT64_C(500000))
#define TURN_VMS  250U

/* Approximate size of a signal. */
#define SIGNAL_SIZE 512U

/* Sends a signal if the VM's usage has changed. Returns whether it did. */
static bool check_vm(Api *api, VM *vm) {
        VMCounters now;
        unsigned changes = 0;

        vm_read_counters(vm, &now);
        if (!vm->signals.announced_known || now.allocated != vm->signals.announced.allocated)
                changes |= VM_CHANGED_ALLOCATED;
        if (!vm->signals.announced_known || now.peak != vm->signals.announced.peak)
                changes |= VM_CHANGED_PEAK;
        if (!vm->signals.announced_known || now.attached != vm->signals.announced.attached)
                changes |= VM_CHANGED_ATTACHED;
        if (!vm->signals.announced_known || now.denied != vm->signals.announced.denied)
                changes |= VM_CHANGED_DENIED;

        vm->signals.announced = now;
        vm->signals.announced_known = true;
        if (!changes)
                return false;

        /* Send immediately, so that the signal has the values that were compared (vm_refresh_counters()). */
        if (!signal_gate_is_open(api)) {
                vm->signals.announced_known = false;
                return false;
        }
        signals_send_vm_changes(api, vm, vm->signals.changed | changes);
        vm->signals.changed = 0;
        return true;
}

/* Returns the VM after vm. For NULL, continues after the last VM of the previous turn, even if that is gone. */
static VM *next_vm(Api *api, VM *vm) {
        if (vm)
                vm = TAILQ_NEXT(vm, entries);
        else
                TAILQ_FOREACH (vm, &api->world->vms, entries)
                        if (vm->number >= api->subscribers.next)
                                break;
        if (!vm)
                vm = TAILQ_FIRST(&api->world->vms);

        api->subscribers.next = vm->number + 1;
        return vm;
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        Api *api = userdata;
        uint64_t unsent = 0, n_sent = 0;
        VM *vm = NULL;
        int r;

        r = sd_event_source_set_time_relative(source, TURN_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (r < 0) {
                log_warning_errno(r, "Cannot set a timer: %m");
                return 0;
        }

        /* Skip this turn if the bus is slower than we are. */
        if (api->signals.closed || (sd_bus_get_n_queued_write(api->bus, &unsent) >= 0 && unsent > 0))
                return 0;

        for (size_t n = api->world->n_vms < TURN_VMS ? api->world->n_vms : TURN_VMS; n > 0; n--) {
                vm = next_vm(api, vm);
                if (vm->signals.visibility == VM_ON_BUS)
                        n_sent += check_vm(api, vm);
        }

        if (n_sent > 0)
                api->subscribers.sent(api, n_sent * SIGNAL_SIZE);
        return 0;
}

int usage_signals_start(Api *api, void (*sent)(Api *api, uint64_t bytes)) {
        VM *vm;
        int r;

        TAILQ_FOREACH (vm, &api->world->vms, entries)
                vm->signals.announced_known = false;

        api->subscribers.sent = sent;
        if (api->subscribers.timer)
                return 0;

        r = sd_event_add_time_relative(api->event, &api->subscribers.timer, CLOCK_MONOTONIC, TURN_USEC,
                TURN_USEC / 10, on_turn, api);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(api->subscribers.timer, "usage");
        return 0;
}

void usage_signals_stop(Api *api) {
        api->subscribers.timer = sd_event_source_disable_unref(api->subscribers.timer);
        api->subscribers.next = 0;
}
