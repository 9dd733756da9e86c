/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup.h"
#include "events.h"
#include "messages.h"
#include "quota.h"
#include "vm-life.h"
#include "vm-limits.h"
#include "vm-place.h"
#include "vm-quota.h"

/* VMs that only follow the default are covered by a single default-quota event. */
static bool follows_default(const PolicyResult *before, const PolicyResult *now) {
        return before->source == QUOTA_SOURCE_DEFAULT && now->source == QUOTA_SOURCE_DEFAULT;
}

static void report_quota(VM *vm, uint32_t previous, bool in_ring, const Caller *caller) {
        const char *source = quota_source_to_string(vm->policy.source);
        const EventDetail details[] = {
                { .name = "previous", .type = 'u', .number = previous },
                { .name = "quota", .type = 'u', .number = vm->policy.quota },
                { .name = "source", .type = 's', .text = source },
        };
        LogContext context;

        if (in_ring) {
                events_add(vm->life->control, EVENT_QUOTA_CHANGED,
                        &(EventFacts) { .level = vm->log_level,
                                .vm = vm,
                                .details = details,
                                .n_details = ELEMENTSOF(details),
                                .caller = caller },
                        "Quota of VM %s is now %" PRIu32 " (%s), it was %" PRIu32 ".", vm->name,
                        vm->policy.quota, source, previous);
                return;
        }

        context = vm_log_context(vm, MESSAGE_QUOTA_SET);
        context.quota = vm->policy.quota;
        context.quota_known = true;
        log_context(vm->log_level, &context, "Quota of VM %s is %" PRIu32 " (%s).", vm->name,
                vm->policy.quota, source);
}

void vm_take_policy(VM *vm, const PolicyResult *policy, const Caller *caller) {
        const PolicyResult before = vm->policy;
        bool in_ring = vm->policy_known && !follows_default(&before, policy);
        bool changed = vm->policy.quota != policy->quota || vm->policy.source != policy->source;

        DefaultSource default_source;

        (void) world_default_quota(vm->world, &default_source);

        /*
         * QuotaOrigin may change although quota and source do not: a rule has moved, or the default has another
         * source.
         */
        if (changed || vm->policy.rule != policy->rule ||
                (policy->source == QUOTA_SOURCE_DEFAULT && vm->default_source != default_source))
                vm_queue_changes(vm, VM_CHANGED_QUOTA);
        if (vm->policy.watermark != policy->watermark)
                vm_queue_changes(vm, VM_CHANGED_WATERMARK);

        vm->policy = *policy;
        vm->default_source = default_source;
        if (!changed && vm->policy_known)
                return;
        vm->policy_known = true;
        report_quota(vm, before.quota, in_ring, caller);
}

static void apply(VM *vm, bool force, const Caller *caller) {
        VMOverrides overrides;
        PolicyResult policy;

        vm_get_overrides(vm, &overrides);
        vm_resolve(vm, &overrides, NULL, &policy);
        vm_take_policy(vm, &policy, caller);
        vm_limits_set(vm, force);
}

void vm_apply(VM *vm, const Caller *caller) {
        apply(vm, false, caller);
}

void vm_reconcile(VM *vm, bool force, const Caller *caller) {
        /* With force, foreign values are overwritten without a check, unless they must be adopted. */
        if (!force || vm->world->config->foreign_change == FOREIGN_CHANGE_ADOPT)
                vm_limits_look(vm);
        apply(vm, force, caller);
}

void vms_apply(Control *control, const Caller *caller) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                vm_apply(vm, caller);
}

void vm_apply_cgroup(Control *control, const char *unit_path) {
        VM *vm;

        VMS_FOREACH_IN_CGROUP (vm, &control->world, unit_path)
                vm_apply(vm, NULL);
}

void vm_apply_set(VM *vm, Set *set) {
        vm_limits_set_of_set(vm, set);
}

void vm_cgroup_gone(VM *vm) {
        vm->place.cgroup_id = 0;
        vm_limits_forget_cgroup(vm);
        vm_update_enforcement(vm);
}

void vm_cgroup_reappeared(VM *vm) {
        uint64_t id;

        if (cgroup_get_id(vm->life->control->root, vm->place.cgroup, &id) < 0 || id == vm->place.cgroup_id)
                return;

        log_debug("Cgroup %s of VM %s was created again.", vm->place.cgroup, vm->name);
        vm->place.cgroup_id = id;
        vm_limits_forget_cgroup(vm);
        vm_apply(vm, NULL);
}
