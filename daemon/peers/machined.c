/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "log.h"
#include "machine-properties.h"
#include "machine-queries.h"
#include "machined-names.h"
#include "machined.h"

#define MACHINE_SIGNAL(member) "path='" MACHINED_PATH "',interface='" MACHINED_MANAGER "',member='" member "'"
#define RETRY_MIN_USEC         (UINT64_C(500000))
#define RETRY_MAX_USEC         (UINT64_C(60000000))

struct Machined {
        BusCalls *calls;
        const MachinedHandlers *handlers;
        void *userdata;
        BusPeer *peer;
        sd_bus_slot *list_slot;
        sd_event_source *retry;
        uint64_t retry_usec;
        bool listing; /* the list was requested, and not all its machines have been queried */
        bool failed;  /* the last request failed */
        bool failed_logged;
        MachineQueries *queries;
        bool missed; /* an announced machine was not queried, or the list is old: it must be requested again */
};

static void list_machines(Machined *d);

bool machined_is_busy(const Machined *d) {
        return d && (d->listing || d->missed || !machine_queries_are_empty(d->queries));
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Requests the list after a delay. */
static void list_later(Machined *d, uint64_t delay_usec) {
        int r;

        if (d->retry)
                return;

        r = sd_event_add_time_relative(bus_calls_get_event(d->calls), &d->retry, CLOCK_MONOTONIC, delay_usec,
                delay_usec / 10, on_retry, d);
        if (r < 0)
                log_error_errno(r, "Cannot set a timer: %m");
        else
                (void) sd_event_source_set_description(d->retry, "machined-retry");
}

static void check_list_complete(Machined *d) {
        /* Does not wait for announced machines: a user could announce one after the other. */
        if (!d->listing || d->list_slot || machine_queries_list_is_pending(d->queries))
                return;

        d->listing = false;
        d->retry_usec = RETRY_MIN_USEC;
        d->failed_logged = false;
        if (d->missed)
                list_later(d, RETRY_MIN_USEC);
        d->handlers->end(d->userdata);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Machined *d = userdata;

        d->retry = sd_event_source_disable_unref(d->retry);
        /* If a list is in progress, check_list_complete() requests the next one. */
        if (!d->listing)
                list_machines(d);
        return 0;
}

/* An announced machine was not queried. */
static void miss_machine(void *userdata) {
        Machined *d = userdata;

        if (!d->missed)
                log_debug("Too many announced machines to query each, requesting the list.");
        d->missed = true;
        if (!d->listing)
                list_later(d, RETRY_MIN_USEC);
}

/*
 * Handles an incomplete list. The end of machines cannot be derived from it.
 * Pending queries are dropped, because the next list will include their machines.
 */
static void list_failed(Machined *d, const char *reason) {
        if (!d->failed_logged)
                log_warning("Cannot get the list of machines, trying again: %s", reason);
        d->failed_logged = true;
        d->listing = false;
        d->list_slot = sd_bus_slot_unref(d->list_slot);
        machine_queries_clear(d->queries);
        if (d->failed)
                return;

        d->failed = true;
        list_later(d, d->retry_usec);
        if (d->retry_usec < RETRY_MAX_USEC)
                d->retry_usec *= 2;

        d->handlers->unavailable(d->userdata);
}

static void take_machine(const char *machine, sd_bus_message *reply, void *userdata) {
        Machined *d = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        MachineProperties p;
        int r;

        /* An error without an answer from machined does not mean that the machine has ended. */
        if (e && (bus_error_is_no_answer(e) || bus_error_is_no_service(e))) {
                list_failed(d, strempty(e->message));
                return;
        }
        if (e) {
                log_debug("Machine %s is gone already: %s", machine, strempty(e->message));
                return;
        }

        r = machine_properties_read(reply, &p);
        if (r < 0) {
                log_warning_errno(r, "Cannot parse the properties of machine %s, ignoring it: %m", machine);
                return;
        }

        if (!machine_properties_are_vm(machine, &p)) {
                /* Only root can create the scopes of VMs, so a user's machine does not say anything about them. */
                if (p.uid == 0 && !isempty(p.unit))
                        d->handlers->not_vm(p.unit, d->userdata);
                return;
        }

        d->handlers->appeared(
                &(MachineInfo) {
                        .name = machine,
                        .uuid = p.uuid,
                        .unit = isempty(p.unit) ? NULL : p.unit,
                        .leader = p.leader,
                        .usec = p.usec,
                },
                d->userdata);
}

/* Also needed for machines that are not VMs: sets of their units may be waiting. */
static void query_done(void *userdata) {
        Machined *d = userdata;

        check_list_complete(d);
        if (!machined_is_busy(d))
                d->handlers->idle(d->userdata);
}

static int query_listed(Machined *d, sd_bus_message *reply) {
        const char *machine, *class, *path;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssso)");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(reply, "(ssso)", &machine, &class, NULL, &path)) > 0)
                if (streq(class, MACHINE_CLASS_VM)) {
                        r = machine_queries_add(d->queries, machine, path, true);
                        if (r < 0)
                                return r;
                }

        return r;
}

/* Is machined not installed, or disabled? Then there are no machines. */
static bool means_absent(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                       "org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.UnitMasked",
                       "org.freedesktop.DBus.Error.Spawn.ServiceNotFound") > 0;
}

static int on_list(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Machined *d = userdata;
        const sd_bus_error *e;
        int r;

        d->list_slot = sd_bus_slot_unref(d->list_slot);
        bus_peer_replied(d->peer, reply);

        e = sd_bus_message_get_error(reply);
        if (e && !means_absent(e)) {
                list_failed(d, e->message);
                return 0;
        }
        if (e) {
                d->listing = d->missed = false;
                d->handlers->absent(d->userdata);
                return 0;
        }

        d->handlers->begin(d->userdata);
        r = query_listed(d, reply);
        if (r < 0) {
                list_failed(d, strerror(-r));
                return 0;
        }

        check_list_complete(d);
        return 0;
}

static void request_list(Machined *d, bool auto_start) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        d->listing = true;
        d->failed = d->missed = false;
        d->handlers->list_requested(d->userdata);
        d->list_slot = sd_bus_slot_unref(d->list_slot);
        r = sd_bus_message_new_method_call(bus_calls_get_bus(d->calls), &message, MACHINED_NAME,
                MACHINED_PATH, MACHINED_MANAGER, "ListMachines");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, auto_start);
        if (r >= 0)
                r = sd_bus_call_async(bus_calls_get_bus(d->calls), &d->list_slot, message, on_list, d,
                        BUS_CALL_TIMEOUT_USEC);
        if (r < 0)
                list_failed(d, strerror(-r));
}

static void list_machines(Machined *d) {
        request_list(d, true);
}

void machined_list_again(Machined *d) {
        /* machined exits only when there are no machines, so it is not started for this. */
        if (!d->listing)
                request_list(d, false);
}

static int on_machine_new(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Machined *d = userdata;
        const char *machine, *path;
        int r;

        r = sd_bus_message_read(message, "so", &machine, &path);
        if (r < 0) {
                log_warning_errno(r, "Cannot parse the announcement of a new machine: %m");
                return 0;
        }

        if (machine_queries_add(d->queries, machine, path, false) < 0)
                miss_machine(d);
        machine_queries_send(d->queries);
        return 0;
}

static int on_machine_removed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Machined *d = userdata;
        const char *machine;
        int r;

        r = sd_bus_message_read(message, "so", &machine, NULL);
        if (r < 0) {
                log_warning_errno(r, "Cannot parse the announcement of a removed machine: %m");
                return 0;
        }

        /* A pending query must not add the machine again. */
        machine_queries_drop(d->queries, machine);

        d->handlers->removed(machine, d->userdata);
        machine_queries_send(d->queries);
        query_done(d);
        return 0;
}

/* Nothing is requested when machined exits: it does so when there are no machines, and a call would start it again. */
static void on_owner(const char *owner, void *userdata) {
        Machined *d = userdata;

        if (!owner || d->list_slot)
                return;

        /* The list may be from before: a machine that has ended since is not announced. */
        if (d->listing)
                d->missed = true;
        d->handlers->back(d->userdata);
}

static QuestionResult read_pid(sd_bus_message *reply, void *peer, sd_id128_t *ret_id, bool *ret_has_id) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        if (!e)
                return QUESTION_YES;
        if (!bus_error_is_no_answer(e))
                return QUESTION_NO;

        list_failed(peer, e->message);
        return QUESTION_UNANSWERED;
}

int machined_ask_pid(Machined *d, uint32_t pid, QuestionHandler handler, void *userdata, Question **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        if (!d)
                return -ENOTCONN;

        r = sd_bus_message_new_method_call(bus_calls_get_bus(d->calls), &message, MACHINED_NAME,
                MACHINED_PATH, MACHINED_MANAGER, "GetMachineByPID");
        if (r >= 0)
                r = sd_bus_message_append(message, "u", pid);
        if (r >= 0)
                /* If machined does not run, there are no machines. */
                r = sd_bus_message_set_auto_start(message, false);
        if (r < 0)
                return r;

        return question_ask(d->calls, message, read_pid, d, handler, userdata, ret);
}

Machined *machined_free(Machined *d) {
        if (!d)
                return NULL;

        machine_queries_free(d->queries);
        bus_peer_free(d->peer);
        sd_bus_slot_unref(d->list_slot);
        sd_event_source_disable_unref(d->retry);
        free(d);
        return NULL;
}

DEFINE_CLEANUP_FUNC(Machined *, machined_free, machined_freep);

int machined_new(BusCalls *calls, const MachinedHandlers *handlers, void *userdata, Machined **ret) {
        static const MachineQueriesHandlers queries_handlers = {
                .answered = take_machine,
                .done = query_done,
                .missed = miss_machine,
        };
        _cleanup_(machined_freep) Machined *d = NULL;
        int r;

        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;

        d->calls = calls;
        d->handlers = handlers;
        d->userdata = userdata;
        d->retry_usec = RETRY_MIN_USEC;
        r = machine_queries_new(calls, &queries_handlers, d, &d->queries);
        if (r < 0)
                return r;

        /* Subscribe before the list is requested: the bus keeps the order. */
        r = bus_peer_new(bus_calls_get_bus(calls), MACHINED_NAME, on_owner, d, &d->peer);
        if (r >= 0)
                r = bus_peer_subscribe(d->peer, MACHINE_SIGNAL("MachineNew"), on_machine_new, d);
        if (r >= 0)
                r = bus_peer_subscribe(d->peer, MACHINE_SIGNAL("MachineRemoved"), on_machine_removed, d);
        if (r < 0)
                return r;

        list_machines(d);
        *ret = TAKE_PTR(d);
        return 0;
}
