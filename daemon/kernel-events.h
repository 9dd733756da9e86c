/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/* What the kernel tells about sets, and what is done about it. */

/* Opens the source of sets: generic netlink, or the directory below a test's root. */
int kernel_events_start(Manager *m);
