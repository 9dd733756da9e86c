/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * HookWithoutDaemon= of a configuration that does not parse. That is when the
 * daemon does not start, so that the key matters, and a mistake in another line
 * must not turn "deny" into "allow". So: the last line that sets it counts, in
 * whichever section; a value that is not "allow" denies. files: in the order in
 * which they are read, see config_list_files().
 */
bool hook_config_denies(const char *const *files);

/* The same for one file: what holds after it, if before was what held until then. */
bool hook_config_scan(FILE *f, bool before);
