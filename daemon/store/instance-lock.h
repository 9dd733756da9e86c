/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define INSTANCE_LOCK_FILE "/run/pasidd/lock"

/*
 * Makes sure that no other daemon works on this host: two would write quotas
 * against each other, and the bus name comes last. To be called before anything
 * is read or written. root: "" or the directory that stands for "/" in tests.
 *
 * Returns a file descriptor whose closing ends the lock, -EBUSY if another
 * daemon holds it, or another negative errno if the file cannot be had. What
 * fails is logged.
 */
int instance_lock_take(const char *root);
