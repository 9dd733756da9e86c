/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "macro.h"

/*
 * The two connections to the system bus, one for callers and one for questions:
 * messages from machined and systemd must not queue behind calls, because any
 * user can send any number of those. If one connection breaks, both are made
 * again, at growing intervals.
 */
typedef struct Connection Connection;

typedef struct ConnectionHandlers {
        /*
         * callers: connection on which the daemon is called; questions: connection for calls to machined and systemd.
         * Returns a negative errno if they cannot be used.
         */
        int (*connected)(sd_bus *callers, sd_bus *questions, void *userdata);

        /* Both connections are up, and connected() has succeeded. */
        void (*ready)(void *userdata);

        /* Both connections are about to be closed and must not be used any more. May be called without connected(). */
        void (*lost)(void *userdata);

        /* The connections are not available at present. lost() follows later. */
        void (*unavailable)(void *userdata);
} ConnectionHandlers;

/* handlers must outlive the connection. Returns 0 or -ENOMEM. */
int connection_new(sd_event *event, const ConnectionHandlers *handlers, void *userdata, Connection **ret);

/* Connects, with retries until it succeeds. */
void connection_start(Connection *c);

/* Are the connections up, as far as is known? */
bool connection_is_up(const Connection *c);

/* Resets the retry interval. To be called when a request to the bus has succeeded. */
void connection_works(Connection *c);

/* Makes both connections again after a while. To be called when a request to the bus has failed. */
void connection_retry(Connection *c);

/* Calls lost(), and closes both. Returns NULL. */
Connection *connection_free(Connection *c);
DEFINE_CLEANUP_FUNC(Connection *, connection_free, connection_freep);
