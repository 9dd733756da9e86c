/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "callers.h"
#include "signal-gate.h"
#include "vm.h"

#define BUS_DRIVER "org.freedesktop.DBus"

/*
 * Signals are suspended above this number of unread bytes, until half of it has been read. Unread replies have a limit of
 * their own (caller-unread.c); the sum of both is below the limit of the bus.
 */
#define UNREAD_MAX (UINT64_C(32) * 1024 * 1024)

/* About 2 MiB. */
#define SIGNALS_PER_QUESTION 1000U

/* Messages in the queue that the bus has not taken yet. */
#define QUEUE_MAX 4096U

/* Number of removals to announce after the gate has opened. They fit into half of the queue. */
#define REMOVED_MAX 1024U

/*
 * Minimum time for which the gate stays closed. Grows if the gate closes again soon, because opening announces
 * everything again.
 */
#define CLOSED_MIN_USEC (UINT64_C(1000000))
#define CLOSED_MAX_USEC (UINT64_C(60000000))

#define PAUSE_USEC (UINT64_C(50000))

static void ask(Api *api);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Api *api = userdata;

        api->signals.timer = sd_event_source_disable_unref(api->signals.timer);
        ask(api);
        return 0;
}

static int on_pause(sd_event_source *source, uint64_t usec, void *userdata) {
        Api *api = userdata;

        api->signals.pause = sd_event_source_disable_unref(api->signals.pause);
        world_queue_changes(api->world, 0);
        return 0;
}

static uint64_t now_usec(const Api *api) {
        uint64_t now = 0;

        (void) sd_event_now(api->event, CLOCK_MONOTONIC, &now);
        return now;
}

static int start_timer(
        Api *api, sd_event_source **timer, uint64_t usec, sd_event_time_handler_t handler, const char *what) {
        int r;

        if (*timer)
                return 0;

        r = sd_event_add_time_relative(api->event, timer, CLOCK_MONOTONIC, usec, usec / 10, handler, api);
        if (r < 0)
                return log_warning_errno(r, "Cannot set a timer: %m");

        (void) sd_event_source_set_description(*timer, what);
        return 0;
}

static void ask_later(Api *api) {
        if (start_timer(api, &api->signals.timer, api->signals.closed_usec, on_timer, "signal-gate") < 0)
                api->signals.closed = false;
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

static uint64_t count_queued(const Api *api) {
        uint64_t queued = 0;

        return sd_bus_get_n_queued_write(api->bus, &queued) >= 0 ? queued : 0;
}

static void forget_removals(SignalGate *gate) {
        for (size_t i = 0; i < gate->n_removed; i++)
                free(gate->removed[i]);
        free(gate->removed);
        gate->removed = NULL;
        gate->n_removed = 0;
}

/* Listeners have missed signals, so this announces the current state of everything. */
static void open_gate(Api *api) {
        VM *vm;

        api->signals.closed = false;
        api->signals.opened = now_usec(api);
        log_info("Listeners have read enough of our messages, sending signals again.");

        TAILQ_FOREACH (vm, &api->world->vms, entries)
                if (vm->signals.visibility >= VM_ANNOUNCED)
                        vm_queue_changes(vm, VM_CHANGED_ALL);
        world_queue_changes(api->world, WORLD_CHANGED_ALL);
}

static void close_gate(Api *api, const char *reason, uint64_t n, const char *unit) {
        SignalGate *gate = &api->signals;
        uint64_t now = now_usec(api);

        if (gate->closed)
                return;

        if (gate->opened > 0 && now < gate->opened + CLOSED_MAX_USEC)
                gate->closed_usec =
                        gate->closed_usec < CLOSED_MAX_USEC / 2 ? 2 * gate->closed_usec : CLOSED_MAX_USEC;
        else
                gate->closed_usec = CLOSED_MIN_USEC;
        gate->closed = true;
        gate->not_before = now + gate->closed_usec;
        log_warning("%s (%" PRIu64 " %s), suspending signals until they have been read.", reason, n, unit);
}

/* Opens or closes the gate. unread: number of our bytes that the bus stores for listeners. */
static void update_gate(Api *api, uint64_t unread) {
        SignalGate *gate = &api->signals;

        if (unread >= UNREAD_MAX)
                close_gate(api, "Listeners on the bus do not read their messages", unread, "bytes");
        else if (gate->closed && now_usec(api) >= gate->not_before && unread < UNREAD_MAX / 2 &&
                 count_queued(api) < QUEUE_MAX / 2)
                open_gate(api);

        if (gate->closed)
                ask_later(api);
}

static bool means_unknown(sd_bus_message *reply) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        return !e || sd_bus_error_has_names(e, SD_BUS_ERROR_UNKNOWN_METHOD, SD_BUS_ERROR_UNKNOWN_INTERFACE,
                             SD_BUS_ERROR_UNKNOWN_OBJECT, SD_BUS_ERROR_ACCESS_DENIED,
                             SD_BUS_ERROR_NOT_SUPPORTED) > 0;
}

static int on_stats(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Api *api = userdata;
        uint32_t stored = 0;
        int r;

        api->signals.question = sd_bus_slot_unref(api->signals.question);
        r = read_unread(reply, &stored);
        if (r < 0) {
                log_debug_errno(r, "Cannot read the number of unread bytes from the bus: %m");
                /* dbus-broker, which disconnects listeners that do not read; or dbus-daemon without statistics. */
                api->signals.unknown = means_unknown(reply);
                if (!api->signals.unknown) {
                        if (api->signals.closed)
                                ask_later(api);
                        return 0;
                }
        }

        update_gate(api, stored > api->callers->unread ? stored - api->callers->unread : 0);
        return 0;
}

static void ask(Api *api) {
        const char *name;
        int r;

        if (api->signals.question)
                return;

        api->signals.n_sent = 0;
        if (api->signals.unknown) {
                update_gate(api, 0);
                return;
        }

        r = sd_bus_get_unique_name(api->bus, &name);
        if (r >= 0)
                r = sd_bus_call_method_async(api->bus, &api->signals.question, BUS_DRIVER,
                        "/org/freedesktop/DBus", BUS_DRIVER ".Debug.Stats", "GetConnectionStats", on_stats,
                        api, "s", name);
        if (r < 0) {
                log_debug_errno(r, "Cannot ask the bus for the number of unread bytes: %m");
                if (api->signals.closed)
                        ask_later(api);
        }
}

bool signal_gate_is_open(Api *api) {
        uint64_t queued;

        if (!api->name_acquired || api->signals.closed)
                return false;

        queued = count_queued(api);
        if (queued > QUEUE_MAX) {
                close_gate(api, "The bus does not take our messages", queued, "queued messages");
                ask_later(api);
                return false;
        }

        if (++api->signals.n_sent >= SIGNALS_PER_QUESTION)
                ask(api);
        return !api->signals.closed;
}

bool signal_gate_has_room(Api *api) {
        if (!api->name_acquired || api->signals.closed || count_queued(api) < QUEUE_MAX / 2)
                return true;

        return start_timer(api, &api->signals.pause, PAUSE_USEC, on_pause, "signal-pause") < 0;
}

void signal_gate_vm_removed(Api *api, const char *path, bool is_machine) {
        SignalGate *gate = &api->signals;
        /* Users can create and end any number of VMs that are not machines. */
        size_t max = is_machine ? REMOVED_MAX : REMOVED_MAX / 2;

        if (!gate->closed || gate->n_removed >= max)
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

char *signal_gate_take_removed(Api *api) {
        SignalGate *gate = &api->signals;

        return gate->closed || gate->n_removed == 0 ? NULL : gate->removed[--gate->n_removed];
}

void signal_gate_reset(Api *api) {
        VM *vm;

        api->signals.question = sd_bus_slot_unref(api->signals.question);
        api->signals.timer = sd_event_source_disable_unref(api->signals.timer);
        api->signals.pause = sd_event_source_disable_unref(api->signals.pause);
        forget_removals(&api->signals);
        api->signals = (SignalGate) {};
        TAILQ_FOREACH (vm, &api->world->vms, entries)
                if (vm->signals.visibility == VM_ANNOUNCED)
                        vm->signals.visibility = VM_ON_BUS;
}
