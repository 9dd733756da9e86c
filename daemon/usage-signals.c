/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus.h"
#include "signal-gate.h"
#include "subscribers.h"
#include "usage-signals.h"
#include "vm.h"

#define TURN_USEC (UINT64_C(500000))
#define TURN_VMS  250U

/* About what one signal takes. */
#define SIGNAL_SIZE 512U

/* Whether a signal was sent. */
static bool look_at(VM *vm) {
        VMCounters now;
        unsigned changes = 0;

        vm_read_counters(vm, &now);
        if (!vm->told_known || now.allocated != vm->told.allocated)
                changes |= VM_CHANGED_ALLOCATED;
        if (!vm->told_known || now.peak != vm->told.peak)
                changes |= VM_CHANGED_PEAK;
        if (!vm->told_known || now.attached != vm->told.attached)
                changes |= VM_CHANGED_ATTACHED;
        if (!vm->told_known || now.denied != vm->told.denied)
                changes |= VM_CHANGED_DENIED;

        vm->told = now;
        vm->told_known = true;
        if (!changes)
                return false;

        /* At once, while the values that were compared are those that are sent (vm_refresh_counters()). */
        if (!signal_gate_is_open(vm->manager)) {
                vm->told_known = false;
                return false;
        }
        vm->changed |= changes;
        vm_bus_send_changes(vm);
        vm->changed = 0;
        return true;
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        uint64_t unsent = 0, n_sent = 0;
        int r;

        r = sd_event_source_set_time_relative(source, TURN_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (r < 0) {
                log_warning_errno(r, "Cannot set a timer: %m");
                return 0;
        }

        /* The bus does not take them as fast as we make them. */
        if (m->signals.closed || (sd_bus_get_n_queued_write(m->bus, &unsent) >= 0 && unsent > 0))
                return 0;

        for (size_t n = m->n_vms < TURN_VMS ? m->n_vms : TURN_VMS; n > 0; n--) {
                VM *vm = m->usage_next ? m->usage_next : TAILQ_FIRST(&m->vms);

                m->usage_next = TAILQ_NEXT(vm, entries);
                if (vm->announced)
                        n_sent += look_at(vm);
        }

        if (n_sent > 0)
                subscribers_charge(m, n_sent * SIGNAL_SIZE);
        return 0;
}

int usage_signals_start(Manager *m) {
        VM *vm;
        int r;

        TAILQ_FOREACH (vm, &m->vms, entries)
                vm->told_known = false;

        if (m->usage_timer)
                return 0;

        r = sd_event_add_time_relative(
                m->event, &m->usage_timer, CLOCK_MONOTONIC, TURN_USEC, TURN_USEC / 10, on_turn, m);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(m->usage_timer, "usage");
        return 0;
}

void usage_signals_stop(Manager *m) {
        m->usage_timer = sd_event_source_disable_unref(m->usage_timer);
        m->usage_next = NULL;
}

void usage_signals_forget(VM *vm) {
        Manager *m = vm->manager;

        if (m->usage_next == vm)
                m->usage_next = TAILQ_NEXT(vm, entries);
}
