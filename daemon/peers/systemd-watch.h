/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus-calls.h"

/*
 * Hears of the service manager being reloaded or executed anew: what it does to
 * cgroups then is looked at again. It tells only if asked to, by Subscribe().
 */
typedef struct SystemdWatch SystemdWatch;

/* Cgroups may have changed. why: in words, for the log. */
typedef void (*SystemdChangedHandler)(const char *why, void *userdata);

/* For a connection that has just been made, which calls has. */
int systemd_watch_new(BusCalls *calls, SystemdChangedHandler changed, void *userdata, SystemdWatch **ret);
SystemdWatch *systemd_watch_free(SystemdWatch *w);
