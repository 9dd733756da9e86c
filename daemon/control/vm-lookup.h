/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/*
 * Finds the VM of a process: by its PASID set, or else by its cgroup. Both are
 * checked against the start time of the process, so that a reused pid cannot
 * yield a wrong VM. Returns 0; -ESRCH if there is no such process; -ENOENT if it
 * does not belong to a VM; or another negative errno.
 */
int vm_find_by_pid(Control *control, uint32_t pid, VM **ret);

/*
 * Finds the VM of a process in a unit. If several machines share the unit, it is
 * the one whose leader is the process or one of its ancestors. Returns NULL if
 * there is none; *ret_shared (may be NULL) says whether several machines share
 * the unit.
 */
VM *vm_find_in_unit(Control *control, const char *unit_path, uint32_t pid, bool *ret_shared);

/*
 * Finds the VM whose cgroup is the given one, or contains it. cgroup is given as
 * in /proc/PID/cgroup. Returns 0; -ENOENT if there is no VM, or several share the
 * cgroup; -EINVAL for an invalid path; or -ENOMEM.
 */
int vm_find_by_any_cgroup(Control *control, const char *cgroup, VM **ret);

/* The start time of a process, see proc.h. Returns 0, -ESRCH if it is gone, or another negative errno. */
int process_get_start_time(const Control *control, uint32_t pid, uint64_t *ret);

/* The unit of a calling process, for the record. The caller frees it. Returns NULL if it is unknown or pid is 0. */
char *process_find_unit(const Control *control, uint32_t pid);
