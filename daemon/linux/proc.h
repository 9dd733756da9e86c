/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* When the process started: clock ticks after boot, field 22 of /proc/PID/stat. -ESRCH when it is gone. */
int proc_get_start_time(const char *root, pid_t pid, uint64_t *ret);

/* Its parent. Likewise. */
int proc_get_parent(const char *root, pid_t pid, pid_t *ret);

/*
 * The cgroup of the process that started at start_time, relative to the
 * unified hierarchy. The start time is looked at before and after, so the
 * answer is never that of a process which got the same pid later. -ESRCH when
 * the process is gone or the pid is another's now. The caller frees *ret.
 */
int proc_get_cgroup(const char *root, pid_t pid, uint64_t start_time, char **ret);

/* The same for a process whose start time is not known. */
int proc_get_cgroup_unverified(const char *root, pid_t pid, char **ret);
