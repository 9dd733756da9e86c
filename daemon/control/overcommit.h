/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* Admission control (admission.h) with current counters. */

/* As admission_check(), but refreshes the counters first. */
int overcommit_admit(Control *control, const char *uuid, const char *name, const char *slice, uint32_t quota,
        char **ret_reason);

/* Adds an event if the host or a slice has become overcommitted. Uses the counters last read. */
void overcommit_check(Control *control);
