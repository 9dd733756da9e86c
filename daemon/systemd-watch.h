/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/*
 * Hears of the service manager being reloaded or executed anew: what it does to
 * cgroups then is looked at again. It tells only if asked to, by Subscribe().
 */
typedef struct SystemdWatch SystemdWatch;

int systemd_watch_new(Manager *m, SystemdWatch **ret);
SystemdWatch *systemd_watch_free(SystemdWatch *w);
