/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config-file.h"

/* The daemon's configuration below a root directory, "" for the real one; as config_load(). */
int config_load_below(const char *root, Config **ret, char **ret_error);

/* What HookWithoutDaemon= says there, in one that does not parse, too. Returns 1 if it denies, 0 or a negative errno. */
int config_below_denies(const char *root);
