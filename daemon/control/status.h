/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* How the daemon does, in words. */

/* "running" or "idle" */
const char *control_state(const Control *control);

/* A sentence, for the caller to free. NULL when out of memory. */
char *control_status(const Control *control);
