/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config-file.h"

/* Like config_load(), below a root directory; "" is the real one. */
int config_load_below(const char *root, Config **ret, char **ret_error);

/*
 * Reads HookWithoutDaemon=, also from a configuration that does not parse. Returns 1 for "deny", 0 for
 * "allow", or a negative errno.
 */
int config_below_denies(const char *root);
