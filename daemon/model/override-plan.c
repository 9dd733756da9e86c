/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "override-plan.h"
#include "set.h"
#include "vm-limit.h"
#include "vm-policy.h"

OverridePlan *override_plan_free(OverridePlan *plan) {
        if (!plan)
                return NULL;

        free(plan->vms);
        free(plan->writes);
        free(plan->slices);
        free(plan);
        return NULL;
}

/* The items of one key: at most one per layer, adjacent in the sorted list. NULL: the layer does not change. */
typedef struct Group {
        OverrideKind kind;
        const char *key;
        const QuotaSetting *runtime, *persistent;
        bool changes;
} Group;

/* Returns the group at *i, and moves *i behind it. */
static Group take_group(const OverrideList *list, size_t *i) {
        Group group = { .kind = list->items[*i].kind, .key = list->items[*i].key };

        for (; *i < list->n_items; ++*i) {
                const OverrideItem *item = &list->items[*i];

                if (item->kind != group.kind || !streq(item->key, group.key))
                        break;
                *(item->runtime ? &group.runtime : &group.persistent) = &item->setting;
                group.changes |= item->changes;
        }

        return group;
}

/* A layer's value of a single number: the change if there is one, else the current value. */
static const uint32_t *quota_after(const QuotaSetting *change, const uint32_t *now) {
        if (!change)
                return now;

        return change->quota_set ? &change->quota : NULL;
}

static void plan_default(const World *w, const Group *group, OverridePlan *plan) {
        const State *runtime = w->state.runtime, *persistent = w->state.persistent;
        const uint32_t *quota;

        quota = quota_after(group->runtime, runtime->default_quota_set ? &runtime->default_quota : NULL);
        if (!quota)
                quota = quota_after(
                        group->persistent, persistent->default_quota_set ? &persistent->default_quota : NULL);

        plan->default_affected = true;
        plan->default_quota = quota ? *quota : w->config->default_quota;
}

static void plan_slice(const World *w, const Group *group, OverridePlan *plan) {
        SliceOverrides overrides = slice_get_overrides(w, group->key);
        PlannedSlice *slice = &plan->slices[plan->n_slices++];

        overrides.runtime = quota_after(group->runtime, overrides.runtime);
        overrides.persistent = quota_after(group->persistent, overrides.persistent);
        slice->name = group->key;
        slice->limit = slice_resolve(w, group->key, &overrides, &slice->source);
}

static void plan_one_vm(const Group *group, VM *vm, OverridePlan *plan) {
        VMOverrides overrides;
        PlannedVM *planned;

        vm_get_overrides(vm, &overrides);
        if (group->runtime)
                overrides.runtime = *group->runtime;
        if (group->persistent)
                overrides.persistent = *group->persistent;

        planned = &plan->vms[plan->n_vms++];
        planned->vm = vm;
        vm_resolve_with_default(vm, &overrides, plan->default_quota, &planned->policy);
}

/* All VMs that have the key. If there is none, none is running, and only the state changes. */
static void plan_vms(const World *w, const Group *group, OverridePlan *plan) {
        VM *vm = NULL;

        while ((vm = vm_find_next_by_key(w, group->key, vm)))
                plan_one_vm(group, vm, plan);
}

typedef void (*PlanFunction)(const World *w, const Group *group, OverridePlan *plan);

static void plan_keys(const World *w, OverridePlan *plan, OverrideKind kind, PlanFunction function) {
        const OverrideList *list = plan->list;

        for (size_t i = 0; i < list->n_items;) {
                Group group = take_group(list, &i);

                if (group.kind == kind && (group.changes || list->write_unchanged))
                        function(w, &group, plan);
        }
}

static uint32_t planned_quota(const OverridePlan *plan, const VM *vm) {
        for (size_t i = 0; i < plan->n_vms; i++)
                if (plan->vms[i].vm == vm)
                        return plan->vms[i].policy.quota;

        return vm->policy.quota;
}

/* As vm_misc_max(), but with the planned quotas. */
static uint64_t planned_misc_max(const World *w, const OverridePlan *plan, const PlannedVM *planned) {
        uint64_t limit = planned->policy.quota;
        const VM *other;

        TAILQ_FOREACH (other, &w->vms, entries)
                if (vm_shares_cgroup(planned->vm, other))
                        limit += planned_quota(plan, other);

        return limit;
}

static void add_write(OverridePlan *plan, VM *vm, Limit *limit, uint64_t value) {
        plan->writes[plan->n_writes++] = (PlannedWrite) { .vm = vm, .limit = limit, .value = value };
}

static void plan_writes(const World *w, OverridePlan *plan) {
        for (size_t i = 0; i < plan->n_vms; i++) {
                const PlannedVM *planned = &plan->vms[i];
                VM *vm = planned->vm;
                Set *set;

                if (vm_has_misc_max(vm))
                        add_write(plan, vm, &vm->misc_max, planned_misc_max(w, plan, planned));
                TAILQ_FOREACH (set, &vm->sets, of_vm) {
                        add_write(plan, vm, &set->quota, planned->policy.quota);
                        add_write(plan, vm, &set->watermark, planned->policy.watermark);
                }
        }
}

int override_plan_new(const World *w, const OverrideList *list, OverridePlan **ret) {
        _cleanup_(override_plan_freep) OverridePlan *plan = NULL;

        plan = calloc(1, sizeof(*plan));
        if (!plan)
                return -ENOMEM;

        plan->list = list;
        plan->slices = calloc(list->n_items + 1, sizeof(PlannedSlice));
        if (!plan->slices)
                return -ENOMEM;

        plan_keys(w, plan, OVERRIDE_SLICE, plan_slice);
        *ret = TAKE_PTR(plan);
        return 0;
}

int override_plan_add_vms(const World *w, OverridePlan *plan) {
        size_t n_writes = 0;

        /* A VM has one key, and so it is planned once at most. */
        plan->vms = calloc(w->n_vms + 1, sizeof(PlannedVM));
        if (!plan->vms)
                return -ENOMEM;

        /* The default first, because VMs of the same list may follow it. */
        plan->default_quota = world_default_quota(w, NULL);
        plan_keys(w, plan, OVERRIDE_DEFAULT, plan_default);
        plan_keys(w, plan, OVERRIDE_VM, plan_vms);

        for (size_t i = 0; i < plan->n_vms; i++)
                n_writes += 1 + 2 * plan->vms[i].vm->n_sets;
        plan->writes = calloc(n_writes + 1, sizeof(PlannedWrite));
        if (!plan->writes)
                return -ENOMEM;

        plan_writes(w, plan);
        return 0;
}
