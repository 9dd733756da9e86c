/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "bus-calls.h"
#include "config-place.h"
#include "connection.h"
#include "control.h"
#include "passed-sockets.h"

typedef struct DaemonOptions {
        const char *root;   /* "" except in tests */
        const char *config; /* configuration file; NULL: the default file and its drop-ins */
        PassedSockets sockets;
} DaemonOptions;

/* The whole daemon. Makes the parts and connects them with each other and with systemd. */
typedef struct Daemon {
        sd_event *event;
        int instance_lock; /* negative: not locked */
        char *root;
        ConfigPlace place;
        PassedSockets sockets; /* sockets that have not been handed to their users yet */

        BusCalls *calls;
        Control *control;
        Api *api;
        Connection *connection;

        sd_event_source *changes; /* deferred event source that processes the queued changes */
        char *status;             /* last announced status */
        int exit_status;          /* exit status if the daemon fails to start */
} Daemon;

/*
 * Blocks the signals that the event loop handles. Must be called first, because
 * an unblocked SIGHUP would end the process. Returns 0 or a negative errno.
 */
int daemon_block_signals(void);

/*
 * Reads the configuration and makes the parts. Takes ownership of the sockets. Returns 0 or a negative errno, which has
 * been logged. *ret may be set on failure as well: exit_status is valid then, and the caller frees it.
 */
int daemon_new(const DaemonOptions *options, Daemon **ret);
Daemon *daemon_free(Daemon *d);
DEFINE_CLEANUP_FUNC(Daemon *, daemon_free, daemon_freep);

/* Takes the instance lock and loads the state. Returns 0 or a negative errno, which has been logged. */
int daemon_prepare(Daemon *d);

/*
 * Runs until a stop signal. Returns the exit status of the process, or a
 * negative errno if the daemon failed to start; d->exit_status is set then.
 */
int daemon_run(Daemon *d);
