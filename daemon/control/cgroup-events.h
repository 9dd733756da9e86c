/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "slice-watch.h"

/* Events in cgroupfs and the reactions to them. */

/* Makes the CgroupWatch, without subscriptions. Returns 0 or a negative errno. */
int cgroup_events_start(Control *control);

/* For ControlHooks; userdata is the Control. */
extern const SliceWatchHandlers cgroup_events_slices;
