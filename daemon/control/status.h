/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* The state of the daemon for users. */

/* "running", or "idle" if there are no PASIDs. */
const char *control_state(const Control *control);

/* A one-line description. The caller frees it. Returns NULL when out of memory. */
char *control_status(const Control *control);
