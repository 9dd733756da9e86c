/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "override-plan.h"
#include "set.h"
#include "vm-limit.h"
#include "vm-place.h"
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

static int plan_default(const World *w, const Group *group, OverridePlan *plan) {
        const State *runtime = w->state.runtime, *persistent = w->state.persistent;
        const uint32_t *quota;

        quota = quota_after(group->runtime, runtime->default_quota_set ? &runtime->default_quota : NULL);
        if (!quota)
                quota = quota_after(
                        group->persistent, persistent->default_quota_set ? &persistent->default_quota : NULL);

        plan->default_affected = true;
        plan->default_quota = quota ? *quota : w->config->default_quota;
        return 0;
}

static int plan_slice(const World *w, const Group *group, OverridePlan *plan) {
        SliceOverrides overrides = slice_get_overrides(w, group->key);
        PlannedSlice *slice = &plan->slices[plan->n_slices++];

        overrides.runtime = quota_after(group->runtime, overrides.runtime);
        overrides.persistent = quota_after(group->persistent, overrides.persistent);
        slice->name = group->key;
        slice->limit = slice_resolve(w, group->key, &overrides, &slice->source);
        return 0;
}

/* Grows in proportion to what is planned: most changes concern one VM, and a host can have thousands. */
static PlannedVM *add_vm(OverridePlan *plan) {
        size_t n = plan->n_vms;
        PlannedVM *bigger;

        if ((n & (n - 1)) == 0) {
                bigger = reallocarray(plan->vms, n > 0 ? n * 2 : 1, sizeof(PlannedVM));
                if (!bigger)
                        return NULL;
                plan->vms = bigger;
        }

        plan->vms[n] = (PlannedVM) {};
        plan->n_vms++;
        return &plan->vms[n];
}

static int plan_one_vm(const Group *group, VM *vm, OverridePlan *plan) {
        VMOverrides overrides;
        PlannedVM *planned;

        vm_get_overrides(vm, &overrides);
        if (group->runtime)
                overrides.runtime = *group->runtime;
        if (group->persistent)
                overrides.persistent = *group->persistent;

        planned = add_vm(plan);
        if (!planned)
                return -ENOMEM;

        planned->vm = vm;
        vm_resolve_with_default(vm, &overrides, plan->default_quota, &planned->policy);
        return 0;
}

/* All VMs that have the key. If there is none, none is running, and only the state changes. */
static int plan_vms(const World *w, const Group *group, OverridePlan *plan) {
        VM *vm = NULL;
        int r = 0;

        while (r >= 0 && (vm = vm_find_next_by_key(w, group->key, vm)))
                r = plan_one_vm(group, vm, plan);
        return r;
}

typedef int (*PlanFunction)(const World *w, const Group *group, OverridePlan *plan);

static int plan_keys(const World *w, OverridePlan *plan, OverrideKind kind, PlanFunction function) {
        const OverrideList *list = plan->list;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < list->n_items;) {
                Group group = take_group(list, &i);

                if (group.kind == kind && (group.changes || list->write_unchanged))
                        r = function(w, &group, plan);
        }
        return r;
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

        VMS_FOREACH_IN_CGROUP (other, w, planned->vm->place.cgroup)
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
        int r;

        plan = calloc(1, sizeof(*plan));
        if (!plan)
                return -ENOMEM;

        plan->list = list;
        plan->slices = calloc(list->n_items + 1, sizeof(PlannedSlice));
        if (!plan->slices)
                return -ENOMEM;

        r = plan_keys(w, plan, OVERRIDE_SLICE, plan_slice);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(plan);
        return 0;
}

int override_plan_add_vms(const World *w, OverridePlan *plan) {
        size_t n_writes = 0;
        int r;

        /* The default first, because VMs of the same list may follow it. */
        plan->default_quota = world_default_quota(w, NULL);
        r = plan_keys(w, plan, OVERRIDE_DEFAULT, plan_default);
        /* A VM has one key, and so it is planned once at most. */
        if (r >= 0)
                r = plan_keys(w, plan, OVERRIDE_VM, plan_vms);
        if (r < 0)
                return r;

        for (size_t i = 0; i < plan->n_vms; i++)
                n_writes += 1 + 2 * plan->vms[i].vm->n_sets;
        plan->writes = calloc(n_writes + 1, sizeof(PlannedWrite));
        if (!plan->writes)
                return -ENOMEM;

        plan_writes(w, plan);
        return 0;
}
