/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* What happens in cgroupfs, and what is done about it. */

/* Makes the watch. Nothing is watched yet. 0 or a negative errno. */
int cgroup_events_start(Control *control);

/* Watches the slices that there are to be watched now, in place of those before, and sets their limits. */
int cgroup_events_watch_slices(Control *control);
