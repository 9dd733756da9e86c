/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "exit-status.h"

/* The exit status of pasidctl for a D-Bus error of this name. */
CtlExitStatus error_to_exit_status(const char *name);

/*
 * Does the error mean that the daemon did not answer? True for errors of the bus
 * and of sd-bus, false for errors that the daemon sent.
 */
bool error_is_unreachable(const char *name);
