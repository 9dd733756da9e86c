/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"

/*
 * Reads the configuration anew. On failure the old one stays and *ret_error
 * says why, with file and line; to be freed. caller: who asked for it; NULL:
 * nobody on the bus.
 */
int control_reload(Control *control, const Caller *caller, char **ret_error);
