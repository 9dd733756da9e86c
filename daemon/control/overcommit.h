/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/* Admission (admission.h) by counters that are read for it. */

/* As admission_check(). */
int overcommit_admit(Control *control, const char *uuid, const char *name, const char *slice, uint32_t quota,
        char **ret_why);

/* Notes as events where more is committed now than there is, and did not use to be. By counters as they were read last. */
void overcommit_check(Control *control);
