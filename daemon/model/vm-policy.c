/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "commitment.h"
#include "set.h"
#include "unit-path.h"
#include "vm-policy.h"

/* next: the VM's next start, or NULL for the current run. The result points into the VM and the state. */
static PolicyInput policy_input(
        const VM *vm, const VMOverrides *overrides, const StateNext *next, uint32_t default_quota) {
        const World *w = vm->world;
        const Announcement *announced =
                next ? &next->announced : state_get_announcement(w->state.runtime, vm->key);
        PolicyInput input = {
                .uuid = vm->kind == VM_KIND_MACHINE ? vm->uuid : NULL,
                .name = next ? next->name : vm->name,
                .slice = next ? NULL : vm->place.slice,
                .runtime = overrides->runtime,
                .default_quota = default_quota,
        };

        /* Earlier versions saved overrides for other keys, too. */
        if (vm_key_is_lasting(vm->key))
                input.persistent = overrides->persistent;

        if (announced) {
                input.metadata = announced->quota;
                input.domain = &announced->domain;
                if (!input.slice)
                        input.slice = announced->slice;
        }

        return input;
}

void vm_resolve(const VM *vm, const VMOverrides *overrides, const StateNext *next, PolicyResult *ret) {
        PolicyInput input = policy_input(vm, overrides, next, world_default_quota(vm->world, NULL));

        policy_resolve(vm->world->config, &input, ret);
}

void vm_resolve_with_default(
        const VM *vm, const VMOverrides *overrides, uint32_t default_quota, PolicyResult *ret) {
        PolicyInput input = policy_input(vm, overrides, NULL, default_quota);

        policy_resolve(vm->world->config, &input, ret);
}

void vm_resolve_announced(const World *w, const char *uuid, const char *name, const Announcement *announced,
        PolicyResult *ret) {
        const PolicyInput input = {
                .uuid = uuid,
                .name = name,
                .slice = announced->slice,
                .runtime = state_get_override(w->state.runtime, uuid),
                .persistent = state_get_override(w->state.persistent, uuid),
                .metadata = announced->quota,
                .domain = &announced->domain,
                .default_quota = world_default_quota(w, NULL),
        };

        policy_resolve(w->config, &input, ret);
}

static CommitmentHolder holder_of(const VM *vm) {
        if (vm->kind == VM_KIND_MACHINE)
                return COMMITMENT_MACHINE;

        return vm->kind == VM_KIND_UNIT && vm->place.cgroup && unit_path_is_of_system(vm->place.cgroup) &&
                               !unit_path_is_below_user_slice(vm->place.cgroup)
                       ? COMMITMENT_SYSTEM_UNIT
                       : COMMITMENT_OTHER;
}

uint32_t vm_committed(const VM *vm, MiscResource resource) {
        uint64_t held = 0;
        const Set *set;

        TAILQ_FOREACH (set, &vm->sets, of_vm)
                held += resource == MISC_PASID_ATTACH ? set->kernel.attached : set->kernel.allocated;

        return commitment_of(holder_of(vm), &vm->policy, held < UINT32_MAX ? (uint32_t) held : UINT32_MAX);
}

void vm_get_overrides(const VM *vm, VMOverrides *ret) {
        const World *w = vm->world;

        *ret = (VMOverrides) {
                .runtime = state_get_override(w->state.runtime, vm->key),
                .persistent = state_get_override(w->state.persistent, vm->key),
        };
}

void vm_resolve_next(const VM *vm, PolicyResult *ret) {
        VMOverrides overrides;

        vm_get_overrides(vm, &overrides);
        vm_resolve(vm, &overrides, state_get_next(vm->world->state.runtime, vm->key), ret);
}

int vm_explain(const VM *vm, PolicyResult *ret_result, PolicyCandidate **ret, size_t *ret_n) {
        VMOverrides overrides;
        PolicyInput input;
        int r;

        vm_get_overrides(vm, &overrides);
        input = policy_input(vm, &overrides, NULL, world_default_quota(vm->world, NULL));
        r = policy_explain(vm->world->config, &input, ret_result, ret);
        if (r < 0)
                return r;

        *ret_n = policy_count_candidates(vm->world->config);
        return 0;
}

uint64_t world_committed(const World *w, const char *except_uuid) {
        uint64_t sum = 0;
        const VM *vm;

        TAILQ_FOREACH (vm, &w->vms, entries)
                if (!streq_ptr(vm->uuid, except_uuid))
                        sum += vm_committed(vm, MISC_PASID);

        return sum;
}
