/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "exit-status.h"

/*
 * The hook ends in time whatever happens: an alarm ends the process, with what was decided until then.
 */

/*
 * Seconds until the alarm: two. PASIDCTL_HOOK_SECONDS= is for tests in which everybody answers: they must pass on a
 * machine so busy that two seconds are not enough for that.
 */
unsigned hook_deadline_seconds(void);

/* Sets the alarm. name: of the domain, for the message. Returns 0 or a negative errno. */
int hook_deadline_arm(const char *name, unsigned seconds);

/* Microseconds until the deadline, which is of CLOCK_MONOTONIC; 0 when it has passed. */
uint64_t hook_time_left(uint64_t deadline);

/* What the alarm ends the process with from now on. Call it before the decision is logged. Returns status. */
CtlExitStatus hook_decide(CtlExitStatus status);
