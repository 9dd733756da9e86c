/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "macro.h"

/*
 * The connection to the system bus, which is two: what machined and systemd
 * say must not queue behind what callers send, of which anybody may send as
 * much as he likes. Mostly both break together. When one does, both are made
 * anew, at growing intervals.
 */
typedef struct Connection Connection;

typedef struct ConnectionHandlers {
        /* callers: on which the daemon is called; questions: to machined and systemd. A negative errno: they are not used. */
        int (*connected)(sd_bus *callers, sd_bus *questions, void *userdata);

        /* Both are there, and connected() has succeeded. */
        void (*ready)(void *userdata);

        /* Both are about to be closed: nothing may use them from now on. May be called without connected() before. */
        void (*lost)(void *userdata);

        /* They cannot be had or used at present. lost() follows, later. */
        void (*unavailable)(void *userdata);
} ConnectionHandlers;

/* handlers must last. */
int connection_new(sd_event *event, const ConnectionHandlers *handlers, void *userdata, Connection **ret);

/* Connects, and goes on trying. */
void connection_start(Connection *c);

/* Are the connections there, as far as is known? */
bool connection_is_up(const Connection *c);

/* The bus has done what it was asked for: after the next failure it is tried again soon. */
void connection_works(Connection *c);

/* Something that was asked of the bus has failed: both are made anew after a while. */
void connection_retry(Connection *c);

/* Calls lost(), and closes both. */
Connection *connection_free(Connection *c);
DEFINE_CLEANUP_FUNC(Connection *, connection_free, connection_freep);
