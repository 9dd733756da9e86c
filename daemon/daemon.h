/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "bus-calls.h"
#include "config-place.h"
#include "connection.h"
#include "control.h"
#include "passed-sockets.h"

typedef struct DaemonOptions {
        const char *root;   /* "" in service */
        const char *config; /* NULL: the usual file and its drop-ins */
        PassedSockets sockets;
} DaemonOptions;

/* The whole daemon: makes its parts and connects them with one another, and with systemd. */
typedef struct Daemon {
        sd_event *event;
        int instance_lock; /* negative: it could not be had */
        char *root;
        ConfigPlace place;
        PassedSockets sockets; /* until their users have them */

        BusCalls *calls;
        Control *control;
        Api *api;
        Connection *connection;

        sd_event_source *changes; /* deferred: takes what has changed in the world */
        char *status;             /* as last announced */
        int exit_status;          /* when it does not come to running */
} Daemon;

/*
 * The signals that the event loop handles wait from now on. To be called first
 * thing: SIGHUP ends a process that has not come to that. 0 or a negative errno.
 */
int daemon_block_signals(void);

/* Reads the configuration. Takes the sockets. Even on failure *ret may be set, for its exit_status; free it. All is logged. */
int daemon_new(const DaemonOptions *options, Daemon **ret);
Daemon *daemon_free(Daemon *d);
DEFINE_CLEANUP_FUNC(Daemon *, daemon_free, daemon_freep);

/* Everything before the kernel is asked: state, event loop, reservations. Logs what fails. */
int daemon_prepare(Daemon *d);

/*
 * Runs until told to stop. Returns the process's exit status; or a negative
 * errno when it could not begin, and d->exit_status is what to end with.
 */
int daemon_run(Daemon *d);
