/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/*
 * Reads the configuration anew. On failure the old one stays and *ret_error
 * says why, with file and line; the caller frees it.
 */
int control_reload(Control *control, char **ret_error);
