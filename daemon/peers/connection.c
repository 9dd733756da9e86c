/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "connection.h"
#include "log.h"

#define SYSTEM_BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"

#define RETRY_MIN_USEC (UINT64_C(250000))
#define RETRY_MAX_USEC (UINT64_C(30000000))

struct Connection {
        sd_event *event;
        const ConnectionHandlers *handlers;
        void *userdata;
        sd_bus *callers, *questions;
        sd_event_source *retry;
        uint64_t backoff_usec;
        bool failure_logged;
};

/* The handler of a disconnect must not call this: sd-bus still uses the connection. */
static void disconnect(Connection *c) {
        c->handlers->lost(c->userdata);
        c->questions = sd_bus_close_unref(c->questions);
        c->callers = sd_bus_close_unref(c->callers);
}

/* Called for either connection. */
static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Connection *c = userdata;

        if (!c->failure_logged)
                log_warning("Lost the connection to the system bus, connecting again.");
        c->failure_logged = true;
        if (!c->retry)
                connection_retry(c);
        return 0;
}

/*
 * For calls without a time limit of their own, which are those to the bus
 * itself. Their replies queue behind the calls of all users, and sd-bus closes
 * the connection if the reply to AddMatch is late. With sd-bus's default of 25 s,
 * a user could disconnect the daemon on a busy machine by sending many calls.
 */
#define DRIVER_TIMEOUT_USEC (UINT64_C(10) * 60 * 1000000)

/*
 * Connects to the system bus. Not with sd_bus_open_system(), which would let
 * callers pass file descriptors: a few calls that wait for polkit could use up
 * those of the daemon.
 */
static int open_bus(sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, isempty(address) ? SYSTEM_BUS_ADDRESS : address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, false);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, DRIVER_TIMEOUT_USEC);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(bus);
        return 0;
}

static int attach(Connection *c, sd_bus *bus, int64_t priority) {
        int r;

        r = bus_on_disconnected(bus, on_disconnected, c);
        if (r < 0)
                return r;

        return sd_bus_attach_event(bus, c->event, priority);
}

/*
 * Drops method calls on the connection for questions. Calls can arrive there,
 * because policies of other services allow some interfaces on every connection,
 * and sd-bus would answer Ping, for example.
 */
static int drop_calls(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        uint8_t type;

        return sd_bus_message_get_type(message, &type) >= 0 && type == SD_BUS_MESSAGE_METHOD_CALL;
}

/*
 * Answers to questions take precedence over callers; the kernel's events and libvirt's hook take precedence over both.
 */
static int connect_to_bus(Connection *c) {
        int r;

        r = open_bus(&c->callers);
        if (r >= 0)
                r = open_bus(&c->questions);
        if (r >= 0)
                r = attach(c, c->callers, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = attach(c, c->questions, SD_EVENT_PRIORITY_IMPORTANT + 1);
        if (r >= 0)
                r = sd_bus_add_filter(c->questions, NULL, drop_calls, NULL);
        if (r >= 0)
                r = c->handlers->connected(c->callers, c->questions, c->userdata);

        return r;
}

static void try_connect(Connection *c) {
        int r;

        r = connect_to_bus(c);
        if (r < 0) {
                log_context_errno(c->failure_logged ? LOG_DEBUG : LOG_WARNING, NULL, r,
                        "Cannot connect to the system bus, trying again: %m");
                c->failure_logged = true;
                connection_retry(c);
                return;
        }

        if (c->failure_logged)
                log_info("Connected to the system bus.");
        c->handlers->ready(c->userdata);
        c->failure_logged = false;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Connection *c = userdata;

        c->retry = sd_event_source_disable_unref(c->retry);
        disconnect(c);
        try_connect(c);
        return 0;
}

void connection_retry(Connection *c) {
        int r;

        c->retry = sd_event_source_disable_unref(c->retry);
        r = sd_event_add_time_relative(
                c->event, &c->retry, CLOCK_MONOTONIC, c->backoff_usec, c->backoff_usec / 10, on_retry, c);
        if (r < 0) {
                log_error_errno(r, "Cannot set a timer: %m");
                (void) sd_event_exit(c->event, EXIT_FAILURE);
                return;
        }

        (void) sd_event_source_set_description(c->retry, "bus-retry");
        if (c->backoff_usec < RETRY_MAX_USEC)
                c->backoff_usec *= 2;
        c->handlers->unavailable(c->userdata);
}

bool connection_is_up(const Connection *c) {
        return !c->retry;
}

void connection_works(Connection *c) {
        c->backoff_usec = RETRY_MIN_USEC;
}

void connection_start(Connection *c) {
        try_connect(c);
}

int connection_new(sd_event *event, const ConnectionHandlers *handlers, void *userdata, Connection **ret) {
        Connection *c;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->event = sd_event_ref(event);
        c->handlers = handlers;
        c->userdata = userdata;
        c->backoff_usec = RETRY_MIN_USEC;
        *ret = c;
        return 0;
}

Connection *connection_free(Connection *c) {
        if (!c)
                return NULL;

        c->retry = sd_event_source_disable_unref(c->retry);
        /* Not sd_bus_flush(), which blocks if the bus does not read. */
        disconnect(c);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}
