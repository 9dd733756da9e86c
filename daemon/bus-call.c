/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-call.h"

/* Leaves room for what machined.c and systemd-watch.c ask by themselves. */
#define CALLS_OPEN_MAX 48U

#define RETRY_USEC (UINT64_C(100000))

struct BusCall {
        TAILQ_ENTRY(BusCall) entries; /* while it waits */
        Manager *manager;
        sd_bus_message *message; /* while it waits */
        sd_bus_slot *slot;       /* while it is open */
        sd_bus_message_handler_t handler;
        void *userdata;
};

static void send_waiting(Manager *m);

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        BusCall *call = userdata;
        Manager *m = call->manager;

        call->slot = sd_bus_slot_unref(call->slot);
        m->n_calls_open--;
        send_waiting(m);

        return call->handler(reply, call->userdata, error);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        m->calls_retry = sd_event_source_disable_unref(m->calls_retry);
        if (m->query_bus)
                send_waiting(m);
        return 0;
}

/* There may be no call open whose reply would be the occasion. */
static void retry_later(Manager *m) {
        int r;

        if (m->calls_retry)
                return;

        r = sd_event_add_time_relative(
                m->event, &m->calls_retry, CLOCK_MONOTONIC, RETRY_USEC, RETRY_USEC / 10, on_retry, m);
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
        else
                (void) sd_event_source_set_description(m->calls_retry, "bus-call-retry");
}

static void send_waiting(Manager *m) {
        BusCall *call;
        int r;

        while (m->n_calls_open < CALLS_OPEN_MAX && (call = TAILQ_FIRST(&m->calls_waiting))) {
                r = sd_bus_call_async(
                        m->query_bus, &call->slot, call->message, on_reply, call, BUS_CALL_TIMEOUT_USEC);
                if (r < 0) {
                        /* With the bus gone all of this is done anew; anything else can pass. */
                        log_debug_errno(r, "Cannot send a method call, trying again: %m");
                        retry_later(m);
                        return;
                }

                TAILQ_REMOVE(&m->calls_waiting, call, entries);
                call->message = sd_bus_message_unref(call->message);
                m->n_calls_open++;
        }
}

int bus_call(Manager *m, sd_bus_message *message, sd_bus_message_handler_t handler, void *userdata,
        BusCall **ret) {
        BusCall *call;

        if (!m->query_bus)
                return -ENOTCONN;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;

        call->manager = m;
        call->message = sd_bus_message_ref(message);
        call->handler = handler;
        call->userdata = userdata;
        TAILQ_INSERT_TAIL(&m->calls_waiting, call, entries);

        send_waiting(m);
        *ret = call;
        return 0;
}

BusCall *bus_call_free(BusCall *call) {
        if (!call)
                return NULL;

        if (call->message) {
                TAILQ_REMOVE(&call->manager->calls_waiting, call, entries);
                sd_bus_message_unref(call->message);
        }
        if (call->slot) {
                sd_bus_slot_unref(call->slot);
                call->manager->n_calls_open--;
        }
        free(call);
        return NULL;
}

bool bus_error_is_no_answer(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_LIMITS_EXCEEDED, SD_BUS_ERROR_NO_REPLY,
                       SD_BUS_ERROR_TIMEOUT, SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_NO_MEMORY) > 0;
}

bool bus_error_is_no_service(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) >
               0;
}
