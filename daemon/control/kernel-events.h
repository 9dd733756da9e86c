/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* The kernel's events about sets and the reactions to them. */

/*
 * Opens the source of sets: generic netlink, or in tests a directory. Takes ownership of the netlink sockets. Returns
 * 0 or a negative errno.
 */
int kernel_events_start(Control *control, PassedSockets *sockets);
