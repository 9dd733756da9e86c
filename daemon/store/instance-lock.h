/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define INSTANCE_LOCK_FILE "/run/pasidd/lock"

/*
 * Makes sure that only one daemon runs on this host: two daemons would overwrite
 * each other's quotas, and the bus name is acquired too late to prevent that. To
 * be called before anything is read or written. root: "", or the directory that
 * replaces "/" in tests.
 *
 * Returns a file descriptor, which holds the lock until it is closed; -EBUSY if
 * another daemon holds the lock; or another negative errno. Failures are logged.
 */
int instance_lock_take(const char *root);
