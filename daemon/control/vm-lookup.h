/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/*
 * The VM that a process belongs to: by its PASID set, or else by its cgroup.
 * Both are checked against the start time of the process, so that the answer
 * is never about an earlier user of the pid. -ESRCH when there is no such
 * process, -ENOENT when it belongs to no VM.
 */
int vm_find_by_pid(Control *control, uint32_t pid, VM **ret);

/*
 * The VM that a process in a unit belongs to. Where several machines share the
 * unit it is the one whose leader the process is or descends from. NULL when
 * there is none, *ret_shared (may be NULL) saying whether that is why.
 */
VM *vm_find_in_unit(Control *control, const char *unit_path, uint32_t pid, bool *ret_shared);

/*
 * The VM whose cgroup is the given one or above it, named as in
 * /proc/PID/cgroup. -ENOENT when there is none, or several that share it;
 * -EINVAL for what is no path of a cgroup.
 */
int vm_find_by_any_cgroup(Control *control, const char *cgroup, VM **ret);

/* When a process started, see proc.h. -ESRCH when it is gone. */
int process_get_start_time(const Control *control, uint32_t pid, uint64_t *ret);

/* The unit of a process that has called, for the record; for the caller to free. NULL if it is not known, or pid is 0. */
char *process_find_unit(const Control *control, uint32_t pid);
