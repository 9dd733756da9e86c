/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * Reads HookWithoutDaemon= of a configuration that does not parse. With such a
 * configuration the daemon does not start, so the key decides, and an error in
 * another line must not turn "deny" into "allow". The last line that sets the key
 * counts, in any section. Any value but "allow" means "deny". files are in the
 * order of config_list_files().
 */
bool hook_config_denies(const char *const *files);

/* The same for one file. before is the value of the previous files. Returns the new value. */
bool hook_config_scan(FILE *f, bool before);
