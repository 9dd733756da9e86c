/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus-calls.h"

/*
 * Reports when the service manager was reloaded or re-executed, because it may
 * have changed cgroups. systemd sends that signal only after a call of
 * Subscribe().
 */
typedef struct SystemdWatch SystemdWatch;

/* Cgroups may have changed. reason: for the log. */
typedef void (*SystemdChangedHandler)(const char *reason, void *userdata);

/* To be called for each new connection, which calls has. Returns 0 or a negative errno. */
int systemd_watch_new(BusCalls *calls, SystemdChangedHandler changed, void *userdata, SystemdWatch **ret);
SystemdWatch *systemd_watch_free(SystemdWatch *w);
