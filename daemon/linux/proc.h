/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * The start time of a process: clock ticks after boot, field 22 of /proc/PID/stat. Returns 0, -ESRCH if the process is
 * gone, or another negative errno.
 */
int proc_get_start_time(const char *root, pid_t pid, uint64_t *ret);

/* The parent of a process. Errors as above. */
int proc_get_parent(const char *root, pid_t pid, pid_t *ret);

/*
 * The cgroup of the process with this pid and start time, relative to the unified
 * hierarchy. The start time is checked before and after, so that the result
 * cannot belong to a later process with the same pid. Returns 0; -ESRCH if the
 * process is gone or the pid was reused; or another negative errno. The caller
 * frees *ret.
 */
int proc_get_cgroup(const char *root, pid_t pid, uint64_t start_time, char **ret);

/* The same for a process whose start time is unknown. */
int proc_get_cgroup_unverified(const char *root, pid_t pid, char **ret);
