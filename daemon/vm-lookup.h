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
 * The VM that a process in a unit belongs to. Where several machines share the
 * unit it is the one whose leader the process is or descends from. NULL when
 * there is none, *ret_shared (may be NULL) saying whether that is why.
 */
VM *vm_find_in_unit(Manager *m, const char *unit_path, uint32_t pid, bool *ret_shared);

/*
 * The VM whose cgroup is the given one or above it, named as in
 * /proc/PID/cgroup. -ENOENT when there is none, or several that share it;
 * -EINVAL for what is no path of a cgroup.
 */
int vm_find_by_any_cgroup(Manager *m, const char *cgroup, VM **ret);
