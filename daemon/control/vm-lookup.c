/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "cgroup-path.h"
#include "proc.h"
#include "set.h"
#include "unit-path.h"
#include "vm-lookup.h"
#include "vm-place.h"

static Set *find_set(Control *control, uint32_t tgid, uint64_t start_time) {
        Set *set;

        TAILQ_FOREACH (set, &control->world.sets, entries)
                if (set->vm && set->kernel.tgid == tgid && set->kernel.start_time == start_time)
                        return set;

        return NULL;
}

/* The process tree of a system machine is not deeper than this, and users cannot make it deeper. */
#define ANCESTORS_MAX 32U

static VM *find_by_leader(Control *control, const char *unit_path, uint32_t pid) {
        VM *vm;

        VMS_FOREACH_IN_CGROUP (vm, &control->world, unit_path)
                if (vm->place.leader == pid)
                        return vm;

        return NULL;
}

static VM *find_by_ancestors(Control *control, const char *unit_path, uint32_t pid) {
        for (unsigned i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
                pid_t parent;
                VM *vm;

                vm = find_by_leader(control, unit_path, pid);
                if (vm)
                        return vm;
                if (proc_get_parent(control->root, (pid_t) pid, &parent) < 0)
                        return NULL;
                pid = (uint32_t) parent;
        }

        return NULL;
}

VM *vm_find_in_unit(Control *control, const char *unit_path, uint32_t pid, bool *ret_shared) {
        VM *found = vm_first_in_cgroup(&control->world, unit_path);
        bool shared = found && vm_next_in_cgroup(found);

        if (ret_shared)
                *ret_shared = shared;
        return shared ? find_by_ancestors(control, unit_path, pid) : found;
}

/* pid: 0 if unknown. */
static int find_by_cgroup(Control *control, const char *cgroup, uint32_t pid, VM **ret) {
        _cleanup_free_ char *unit_path = NULL;
        VM *vm;
        int r;

        r = cgroup_path_get_unit(cgroup, NULL, &unit_path);
        if (r < 0)
                return r == -ENXIO ? -ENOENT : r;

        vm = vm_find_in_unit(control, unit_path, pid, NULL);
        if (!vm)
                return -ENOENT;

        *ret = vm;
        return 0;
}

int vm_find_by_any_cgroup(Control *control, const char *cgroup, VM **ret) {
        return find_by_cgroup(control, cgroup, 0, ret);
}

int vm_find_by_pid(Control *control, uint32_t pid, VM **ret) {
        _cleanup_free_ char *cgroup = NULL;
        uint64_t start_time;
        Set *set;
        int r;

        if (pid == 0 || pid > INT_MAX)
                return -ESRCH;

        r = proc_get_start_time(control->root, (pid_t) pid, &start_time);
        if (r < 0)
                return r;

        /* A process may have moved to another cgroup since its set was created; the PASIDs still belong to the VM. */
        set = find_set(control, pid, start_time);
        if (set) {
                *ret = set->vm;
                return 0;
        }

        r = proc_get_cgroup(control->root, (pid_t) pid, start_time, &cgroup);
        if (r < 0)
                return r == -ENODATA ? -ENOENT : r;

        return find_by_cgroup(control, cgroup, pid, ret);
}

int process_get_start_time(const Control *control, uint32_t pid, uint64_t *ret) {
        return proc_get_start_time(control->root, (pid_t) pid, ret);
}

/* Not verified by start time: the caller still waits for its reply, so the pid is unlikely to be reused. */
char *process_find_unit(const Control *control, uint32_t pid) {
        _cleanup_free_ char *cgroup = NULL, *unit = NULL, *unit_path = NULL;
        char *name;

        if (pid == 0 || proc_get_cgroup_unverified(control->root, (pid_t) pid, &cgroup) < 0 ||
                cgroup_path_get_unit(cgroup, &unit, &unit_path) < 0 ||
                unit_path_to_vm_name(unit, unit_path, &name) < 0)
                return NULL;

        return name;
}
