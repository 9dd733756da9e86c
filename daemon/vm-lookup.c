/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "cgroup-path.h"
#include "proc.h"
#include "set.h"
#include "vm-lookup.h"
#include "vm.h"

static Set *find_set(Manager *m, uint32_t tgid, uint64_t start_time) {
        Set *set;

        TAILQ_FOREACH (set, &m->sets, entries)
                if (set->vm && set->kernel.tgid == tgid && set->kernel.start_time == start_time)
                        return set;

        return NULL;
}

int vm_find_by_any_cgroup(Manager *m, const char *cgroup, VM **ret) {
        _cleanup_free_ char *unit_path = NULL;
        VM *vm;
        int r;

        r = cgroup_path_get_unit(cgroup, NULL, &unit_path);
        if (r < 0)
                return r == -ENXIO ? -ENOENT : r;

        vm = vm_find_by_cgroup(m, unit_path);
        if (!vm)
                return -ENOENT;

        *ret = vm;
        return 0;
}

int vm_find_by_pid(Manager *m, uint32_t pid, VM **ret) {
        _cleanup_free_ char *cgroup = NULL;
        uint64_t start_time;
        Set *set;
        int r;

        if (pid == 0 || pid > INT_MAX)
                return -ESRCH;

        r = proc_get_start_time(m->root, (pid_t) pid, &start_time);
        if (r < 0)
                return r;

        /* A process may have moved since its set was made; the PASIDs are still the VM's. */
        set = find_set(m, pid, start_time);
        if (set) {
                *ret = set->vm;
                return 0;
        }

        r = proc_get_cgroup(m->root, (pid_t) pid, start_time, &cgroup);
        if (r < 0)
                return r == -ENODATA ? -ENOENT : r;

        return vm_find_by_any_cgroup(m, cgroup, ret);
}
