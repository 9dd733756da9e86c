/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/*
 * The VM that a process belongs to: by its PASID set, or else by its cgroup.
 * Both are checked against the start time of the process, so that the answer
 * is never about an earlier user of the pid. -ESRCH when there is no such
 * process, -ENOENT when it belongs to no VM.
 */
int vm_find_by_pid(Manager *m, uint32_t pid, VM **ret);

/*
 * The VM whose cgroup is the given one or above it, named as in
 * /proc/PID/cgroup. -ENOENT when there is none, -EINVAL for what is no path of
 * a cgroup.
 */
int vm_find_by_any_cgroup(Manager *m, const char *cgroup, VM **ret);
