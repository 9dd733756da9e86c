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

/* Who kept up with the signals has missed some. */
static void open_again(Manager *m) {
        VM *vm;

        m->signals.closed = false;
        log_info("What the bus keeps for listeners has been read, sending signals again.");
        TAILQ_FOREACH (vm, &m->vms, entries)
                if (vm->announced)
                        vm_queue_changes(vm, VM_CHANGED_ALL);
        manager_queue_changes(m, MANAGER_CHANGED_STATE | MANAGER_CHANGED_STATUS | MANAGER_CHANGED_DEFAULT);
}

static int on_stats(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        uint32_t kept;
        uint64_t unread;
        int r;

        m->signals.question = sd_bus_slot_unref(m->signals.question);
        r = read_unread(reply, &kept);
        if (r < 0) {
                /* dbus-broker, which disconnects who does not read; or a dbus-daemon without statistics. */
                log_debug_errno(r, "The bus does not say what is not read, sending signals all the same: %m");
                m->signals.unknown = true;
                m->signals.closed = false;
                return 0;
        }

        unread = kept > m->callers->unread ? kept - m->callers->unread : 0;
        if (!m->signals.closed && unread >= UNREAD_MAX) {
                m->signals.closed = true;
                log_warning("Listeners on the bus do not read: it keeps %" PRIu64
                            " bytes, sending no signals until they do.",
                        unread);
        } else if (m->signals.closed && unread < UNREAD_MAX / 2)
                open_again(m);

        if (m->signals.closed)
                ask_later(m);
        return 0;
}

static void ask(Manager *m) {
        const char *name;
        int r;

        if (m->signals.question || m->signals.unknown)
                return;

        m->signals.n_sent = 0;
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
        uint64_t queued = 0;

        if (!m->name_acquired || m->signals.closed)
                return false;
        if (sd_bus_get_n_queued_write(m->bus, &queued) >= 0 && queued > QUEUE_MAX) {
                m->signals.n_sent++;
                return false;
        }

        if (++m->signals.n_sent >= SIGNALS_PER_QUESTION)
                ask(m);
        return true;
}

void signal_gate_reset(Manager *m) {
        m->signals.question = sd_bus_slot_unref(m->signals.question);
        m->signals.timer = sd_event_source_disable_unref(m->signals.timer);
        m->signals = (SignalGate) {};
}
