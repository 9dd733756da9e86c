/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "bus.h"
#include "callers.h"
#include "signal-gate.h"
#include "vm.h"

#define BUS_DRIVER "org.freedesktop.DBus"

/* Signals are left out from here on, and until half of it has been read. What callers do not read has its own bound
 * (callers.c); both together stay below what the bus keeps. */
#define UNREAD_MAX (UINT64_C(32) * 1024 * 1024)

/* Not more than about 2 MiB. */
#define SIGNALS_PER_QUESTION 1000U

/* Messages that the bus has not taken yet. */
#define QUEUE_MAX 1000U

/* Objects whose end is told once signals are sent again. */
#define REMOVED_MAX 1024U

#define ASK_AGAIN_USEC (UINT64_C(1000000))

static void ask(Manager *m);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        m->signals.timer = sd_event_source_disable_unref(m->signals.timer);
        ask(m);
        return 0;
}

static void ask_later(Manager *m) {
        int r;

        if (m->signals.timer)
                return;

        r = sd_event_add_time_relative(m->event, &m->signals.timer, CLOCK_MONOTONIC, ASK_AGAIN_USEC,
                ASK_AGAIN_USEC / 10, on_timer, m);
        if (r < 0) {
                log_warning_errno(r, "Cannot set a timer: %m");
                m->signals.closed = false;
        } else
                (void) sd_event_source_set_description(m->signals.timer, "signal-gate");
}

static int read_unread(sd_bus_message *reply, uint32_t *ret) {
        int r;

        r = sd_bus_message_get_errno(reply);
        if (r > 0)
                return -r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                const char *name;

                r = sd_bus_message_read(reply, "s", &name);
                if (r >= 0 && streq(name, "IncomingBytes"))
                        return sd_bus_message_read(reply, "v", "u", ret);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }

        return r < 0 ? r : -ENODATA;
}

static uint64_t count_queued(const Manager *m) {
        uint64_t queued = 0;

        return sd_bus_get_n_queued_write(m->bus, &queued) >= 0 ? queued : 0;
}

static void forget_removals(SignalGate *gate) {
        for (size_t i = 0; i < gate->n_removed; i++)
                free(gate->removed[i]);
        free(gate->removed);
        gate->removed = NULL;
        gate->n_removed = 0;
}

/* Who kept up with the signals has missed some: tells him how everything is now. */
static void open_again(Manager *m) {
        VM *vm;

        m->signals.closed = false;
        log_info("What the bus kept of our messages has been read, sending signals again.");

        for (size_t i = 0; i < m->signals.n_removed; i++)
                bus_vm_was_removed(m, m->signals.removed[i]);
        forget_removals(&m->signals);

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (vm->untold)
                        bus_vm_added(vm);
                else if (vm->announced)
                        vm_queue_changes(vm, VM_CHANGED_ALL);
        manager_queue_changes(m, MANAGER_CHANGED_STATE | MANAGER_CHANGED_STATUS | MANAGER_CHANGED_DEFAULT);
}

static void close_gate(Manager *m, const char *why, uint64_t n, const char *unit) {
        if (m->signals.closed)
                return;

        m->signals.closed = true;
        log_warning("%s %" PRIu64 " %s: sending no signals until they are read.", why, n, unit);
}

/* unread: bytes of ours that the bus keeps for listeners. */
static void look_again(Manager *m, uint64_t unread) {
        if (unread >= UNREAD_MAX)
                close_gate(m, "Listeners on the bus do not read, it keeps", unread, "bytes");
        else if (m->signals.closed && unread < UNREAD_MAX / 2 && count_queued(m) < QUEUE_MAX / 2)
                open_again(m);

        if (m->signals.closed)
                ask_later(m);
}

static int on_stats(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        uint32_t kept = 0;
        int r;

        m->signals.question = sd_bus_slot_unref(m->signals.question);
        r = read_unread(reply, &kept);
        if (r < 0) {
                log_debug_errno(r, "The bus does not say what is not read: %m");
                /* dbus-broker, which disconnects who does not read; or a dbus-daemon without statistics. */
                if (!sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY))
                        m->signals.unknown = true;
        }

        look_again(m, kept > m->callers->unread ? kept - m->callers->unread : 0);
        return 0;
}

static void ask(Manager *m) {
        const char *name;
        int r;

        if (m->signals.question)
                return;

        m->signals.n_sent = 0;
        if (m->signals.unknown) {
                look_again(m, 0);
                return;
        }

        r = sd_bus_get_unique_name(m->bus, &name);
        if (r >= 0)
                r = sd_bus_call_method_async(m->bus, &m->signals.question, BUS_DRIVER,
                        "/org/freedesktop/DBus", BUS_DRIVER ".Debug.Stats", "GetConnectionStats", on_stats, m,
                        "s", name);
        if (r < 0) {
                log_debug_errno(r, "Cannot ask the bus what is not read: %m");
                ask_later(m);
        }
}

bool signal_gate_is_open(Manager *m) {
        uint64_t queued;

        if (!m->name_acquired || m->signals.closed)
                return false;

        queued = count_queued(m);
        if (queued > QUEUE_MAX) {
                close_gate(m, "The bus does not take our messages, there wait", queued, "of them");
                ask_later(m);
                return false;
        }

        if (++m->signals.n_sent >= SIGNALS_PER_QUESTION)
                ask(m);
        return !m->signals.closed;
}

void signal_gate_vm_removed(Manager *m, const char *path) {
        SignalGate *gate = &m->signals;

        if (!gate->closed || gate->n_removed == REMOVED_MAX)
                return;

        if (!gate->removed)
                gate->removed = calloc(REMOVED_MAX, sizeof(*gate->removed));
        if (gate->removed)
                gate->removed[gate->n_removed] = strdup(path);
        if (!gate->removed || !gate->removed[gate->n_removed]) {
                log_oom();
                return;
        }

        gate->n_removed++;
}

void signal_gate_reset(Manager *m) {
        m->signals.question = sd_bus_slot_unref(m->signals.question);
        m->signals.timer = sd_event_source_disable_unref(m->signals.timer);
        forget_removals(&m->signals);
        m->signals = (SignalGate) {};
}
