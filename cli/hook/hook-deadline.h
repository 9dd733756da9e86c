/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "exit-status.h"

/*
 * The deadline of the hook: an alarm ends the process with the decision made so far.
 */

/*
 * Seconds until the alarm: two. PASIDCTL_HOOK_SECONDS= is for tests that do not test the deadline and must
 * pass on a busy machine. */
unsigned hook_deadline_seconds(void);

/* Sets the alarm. name is that of the domain, for the message. Returns 0 or a negative errno. */
int hook_deadline_arm(const char *name, unsigned seconds);

/* Microseconds until the deadline, a time of CLOCK_MONOTONIC; 0 if it has passed. */
uint64_t hook_time_left(uint64_t deadline);

/* Sets the exit status that the alarm uses. Call it before logging the decision. Returns status. */
CtlExitStatus hook_decide(CtlExitStatus status);
