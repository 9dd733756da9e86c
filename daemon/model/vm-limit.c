/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "set.h"
#include "vm-limit.h"
#include "vm-place.h"

bool vm_has_misc_max(const VM *vm) {
        return vm->kind != VM_KIND_SET && vm->place.cgroup && world_has_limits(vm->world);
}

uint64_t vm_misc_max(const VM *vm, bool *ret_shared) {
        uint64_t limit = vm->policy.quota;
        const VM *other;

        *ret_shared = false;
        VMS_FOREACH_IN_CGROUP (other, vm->world, vm->place.cgroup)
                if (vm_shares_cgroup(vm, other)) {
                        limit += other->policy.quota;
                        *ret_shared = true;
                }

        return limit;
}

bool vm_cgroup_is_shared(const VM *vm) {
        const VM *other;

        VMS_FOREACH_IN_CGROUP (other, vm->world, vm->place.cgroup)
                if (vm_shares_cgroup(vm, other))
                        return true;

        return false;
}

/* Returns the first limit in this state, or NULL. */
static const Limit *find(const VM *vm, LimitState state) {
        const Set *set;

        if (vm->misc_max.state == state)
                return &vm->misc_max;

        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                if (set->quota.state == state)
                        return &set->quota;
                if (set->watermark.state == state)
                        return &set->watermark;
        }

        return NULL;
}

VMEnforcement vm_enforcement(const VM *vm) {
        static const LimitState bad[] = { LIMIT_FAILED, LIMIT_FOREIGN };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                const Limit *limit = find(vm, bad[i]);

                if (limit)
                        return (VMEnforcement) { .state = bad[i], .reason = limit->error };
        }

        if (!world_has_limits(vm->world))
                return (VMEnforcement) { .state = LIMIT_IN_FORCE };
        if (vm->state == VM_RESERVED)
                return (VMEnforcement) { .state = LIMIT_WAITING, .reason = "not running yet" };
        if (vm->kind == VM_KIND_MACHINE && !vm->place.cgroup && vm->n_sets == 0)
                return (VMEnforcement) { .state = LIMIT_WAITING,
                        .reason = "the VM's cgroup is not known yet" };

        return (VMEnforcement) { .state = LIMIT_IN_FORCE };
}
