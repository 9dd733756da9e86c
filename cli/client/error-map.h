/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "exit-status.h"

/* What pasidctl ends with after a D-Bus error of this name. */
CtlExitStatus error_to_exit_status(const char *name);

/*
 * Did the daemon not answer at all? True for all errors with which the bus and
 * sd-bus say so, false for those that the daemon itself sent.
 */
bool error_is_unreachable(const char *name);
