/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* What the kernel tells about sets, and what is done about it. */

/* Opens the source of sets: generic netlink, or the directory below a test's root. Takes the netlink sockets. */
int kernel_events_start(Control *control, PassedSockets *sockets);
