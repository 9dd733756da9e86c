/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"

/*
 * Reloads the configuration. On failure the old one stays in use, and *ret_error
 * describes the problem with file and line; the caller frees it. Returns 0 or a
 * negative errno. caller: who asked for it; NULL: nobody on the bus.
 */
int control_reload(Control *control, const Caller *caller, char **ret_error);
