/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/queue.h>

#include "bus-calls.h"
#include "log.h"

/* Below the bus's limit, so that machined.c and systemd-watch.c can make calls of their own. */
#define CALLS_OPEN_MAX 48U

#define RETRY_USEC (UINT64_C(100000))

struct BusCall {
        TAILQ_ENTRY(BusCall) entries; /* while waiting */
        BusCalls *calls;
        sd_bus_message *message; /* while waiting */
        sd_bus_slot *slot;       /* while open */
        sd_bus_message_handler_t handler;
        void *userdata;
};

struct BusCalls {
        sd_event *event;
        sd_bus *bus;
        TAILQ_HEAD(, BusCall) waiting;
        unsigned n_open;
        sd_event_source *retry; /* timer; set if a waiting call could not be sent */
};

static void send_waiting(BusCalls *calls);

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        BusCall *call = userdata;

        call->slot = sd_bus_slot_unref(call->slot);
        call->calls->n_open--;
        send_waiting(call->calls);

        return call->handler(reply, call->userdata, error);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        BusCalls *calls = userdata;

        calls->retry = sd_event_source_disable_unref(calls->retry);
        if (calls->bus)
                send_waiting(calls);
        return 0;
}

/* A timer is needed, because there may be no open call whose reply would trigger the next attempt. */
static void retry_later(BusCalls *calls) {
        int r;

        if (calls->retry)
                return;

        r = sd_event_add_time_relative(
                calls->event, &calls->retry, CLOCK_MONOTONIC, RETRY_USEC, RETRY_USEC / 10, on_retry, calls);
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
        else
                (void) sd_event_source_set_description(calls->retry, "bus-call-retry");
}

static void send_waiting(BusCalls *calls) {
        BusCall *call;
        int r;

        while (calls->n_open < CALLS_OPEN_MAX && (call = TAILQ_FIRST(&calls->waiting))) {
                r = sd_bus_call_async(
                        calls->bus, &call->slot, call->message, on_reply, call, BUS_CALL_TIMEOUT_USEC);
                if (r < 0) {
                        /* If the connection is gone, all calls are freed soon. Other errors may be temporary. */
                        log_debug_errno(r, "Cannot send a method call, trying again: %m");
                        retry_later(calls);
                        return;
                }

                TAILQ_REMOVE(&calls->waiting, call, entries);
                call->message = sd_bus_message_unref(call->message);
                calls->n_open++;
        }
}

int bus_call(BusCalls *calls, sd_bus_message *message, sd_bus_message_handler_t handler, void *userdata,
        BusCall **ret) {
        BusCall *call;

        if (!calls->bus)
                return -ENOTCONN;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;

        call->calls = calls;
        call->message = sd_bus_message_ref(message);
        call->handler = handler;
        call->userdata = userdata;
        TAILQ_INSERT_TAIL(&calls->waiting, call, entries);

        send_waiting(calls);
        *ret = call;
        return 0;
}

BusCall *bus_call_free(BusCall *call) {
        if (!call)
                return NULL;

        if (call->message) {
                TAILQ_REMOVE(&call->calls->waiting, call, entries);
                sd_bus_message_unref(call->message);
        }
        if (call->slot) {
                sd_bus_slot_unref(call->slot);
                call->calls->n_open--;
        }
        free(call);
        return NULL;
}

int bus_calls_new(sd_event *event, BusCalls **ret) {
        BusCalls *calls;

        calls = calloc(1, sizeof(*calls));
        if (!calls)
                return -ENOMEM;

        calls->event = sd_event_ref(event);
        TAILQ_INIT(&calls->waiting);
        *ret = calls;
        return 0;
}

BusCalls *bus_calls_free(BusCalls *calls) {
        if (!calls)
                return NULL;

        sd_event_source_disable_unref(calls->retry);
        sd_event_unref(calls->event);
        free(calls);
        return NULL;
}

void bus_calls_set_bus(BusCalls *calls, sd_bus *bus) {
        calls->bus = bus;
}

sd_bus *bus_calls_get_bus(const BusCalls *calls) {
        return calls->bus;
}

sd_event *bus_calls_get_event(const BusCalls *calls) {
        return calls->event;
}
