/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup.h"
#include "default-quota.h"
#include "limit-control.h"
#include "log.h"
#include "override-plan.h"
#include "override-transaction.h"
#include "slice-limits.h"
#include "state-store.h"
#include "vm-limits.h"
#include "vm-quota.h"

/* A number that was written. */
typedef struct TriedWrite {
        MiscValues before; /* the kernel's value before the write */
        LimitOutcome outcome;
} TriedWrite;

/* A change in progress. */
typedef struct Transaction {
        Control *control;
        OverrideList *list;
        const Caller *caller;
        OverridePlan *plan;
        bool slices_tried, default_tried;
        TriedWrite *tried; /* for each of the plan's writes; the first n_tried are set */
        size_t n_tried;
        MiscValues default_before;
} Transaction;

char *override_explain_not_saved(const OverrideList *list, const char *why) {
        const char *what = !list || !list->write_unchanged                 ? "The overrides"
                           : override_list_has(list, OVERRIDE_DEFAULT, "") ? "The default quota"
                                                                           : "The override";
        char *text;

        return asprintf(&text, "%s could not be saved: %s", what, why) < 0 ? NULL : text;
}

static OverrideResult not_applied(const char *what, const char *name, const char *why, char **ret_error) {
        if (asprintf(ret_error, "The kernel did not take the %s%s: %s", what, name, strempty(why)) < 0)
                *ret_error = NULL;
        return OVERRIDE_NOT_APPLIED;
}

static OverrideResult not_saved(const Transaction *t, int r, char **ret_error) {
        *ret_error = override_explain_not_saved(t->list,
                r == -EBUSY ? "an earlier change, which was not made, could not be removed from the disk yet"
                            : strerror(-r));
        return OVERRIDE_NOT_SAVED;
}

/* An override is stored with the VM's current name. */
static int take_names(Transaction *t) {
        for (size_t i = 0; i < t->list->n_items; i++) {
                OverrideItem *item = &t->list->items[i];
                const VM *vm = item->kind == OVERRIDE_VM && item->changes
                                       ? vm_find_by_key(&t->control->world, item->key)
                                       : NULL;

                if (vm && replace_string(&item->name, vm->name) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int begin(Transaction *t) {
        World *w = &t->control->world;
        int r;

        r = override_list_compare(t->list, w->state.runtime, w->state.persistent);
        if (r >= 0)
                r = take_names(t);
        if (r >= 0)
                r = override_plan_new(w, t->list, &t->plan);
        return r;
}

static OverrideResult write_slices(Transaction *t, char **ret_error) {
        const OverridePlan *plan = t->plan;
        bool added = false;
        int r = 0;

        for (size_t i = 0; i < plan->n_slices; i++) {
                t->slices_tried = true;
                r = slice_limit_set_desired(
                        t->control, plan->slices[i].name, plan->slices[i].limit, plan->slices[i].source);
                if (r < 0)
                        return not_saved(t, r, ret_error);
                added |= r > 0;
        }
        if (added && t->control->world.kernel_present)
                r = slice_limits_watch(t->control);
        if (r < 0)
                return not_saved(t, r, ret_error);

        for (size_t i = 0; i < plan->n_slices; i++) {
                SliceLimit *slice = slice_limit_find(&t->control->world, plan->slices[i].name);

                slice_apply(slice, true);
                if (!limit_is_in_force(&slice->misc_max) && cgroup_exists(t->control->root, slice->cgroup))
                        return not_applied("limit of ", slice->name, slice->misc_max.error, ret_error);
        }

        return OVERRIDE_DONE;
}

static int plan_vms(Transaction *t) {
        int r;

        r = override_plan_add_vms(&t->control->world, t->plan);
        if (r < 0)
                return r;

        t->tried = calloc(t->plan->n_writes + 1, sizeof(*t->tried));
        return t->tried ? 0 : -ENOMEM;
}

static OverrideResult write_vms(Transaction *t, char **ret_error) {
        while (t->n_tried < t->plan->n_writes) {
                const PlannedWrite *w = &t->plan->writes[t->n_tried];
                TriedWrite *tried = &t->tried[t->n_tried++];
                _cleanup_free_ char *why = NULL;

                tried->outcome = limits_try(t->control, w->limit, w->value, &tried->before, &why);
                if (tried->outcome == LIMIT_REFUSED)
                        return not_applied("quota of VM ", w->vm->name, why, ret_error);
        }

        return OVERRIDE_DONE;
}

static OverrideResult write_default(Transaction *t, char **ret_error) {
        Limit *limit = &t->control->default_quota.limit;
        _cleanup_free_ char *why = NULL;

        if (!t->plan->default_affected)
                return OVERRIDE_DONE;

        t->default_tried = true;
        if (limits_try(t->control, limit, t->plan->default_quota, &t->default_before, &why) == LIMIT_REFUSED)
                return not_applied("default quota", "", why, ret_error);

        return OVERRIDE_DONE;
}

/*
 * Restores the kernel's previous numbers. Failed writes are retried. The slices come last, because scanning them can remove VMs
 * of the plan.
 */
static void undo(Transaction *t) {
        const PlannedWrite *writes = t->plan->writes;
        Control *control = t->control;
        int r;

        for (size_t i = 0; i < t->n_tried; i++) {
                limits_take_back(control, writes[i].limit, &t->tried[i].before);
                if (i + 1 == t->n_tried || writes[i + 1].vm != writes[i].vm)
                        vm_limits_taken_back(writes[i].vm);
        }
        if (t->default_tried)
                default_quota_take_back(control, &t->default_before);
        if (t->slices_tried) {
                r = slice_limits_refresh(control);
                if (r < 0)
                        log_error_errno(r, "Cannot restore the list of slices: %m");
                slice_limits_apply(control);
        }
}

/* Slices without a configured limit and without override are dropped from the list. */
static void commit_slices(Transaction *t) {
        bool removed = false;

        slice_limits_announce(t->control, t->caller);
        world_queue_changes(&t->control->world, 0);
        for (size_t i = 0; i < t->plan->n_slices; i++)
                removed |= t->plan->slices[i].source == SLICE_SOURCE_NONE;
        if (removed && slice_limits_refresh(t->control) < 0)
                log_oom();
}

static void commit(Transaction *t) {
        const OverridePlan *plan = t->plan;

        /* All policies first: the limit of a shared cgroup is the sum of the machines' quotas. */
        for (size_t i = 0; i < plan->n_vms; i++)
                vm_take_policy(plan->vms[i].vm, &plan->vms[i].policy, t->caller);
        for (size_t i = 0; i < plan->n_writes; i++)
                limits_commit(t->control, plan->writes[i].limit, plan->writes[i].value, t->tried[i].outcome);
        for (size_t i = 0; i < plan->n_vms; i++)
                vm_limits_committed(plan->vms[i].vm);
        if (plan->default_affected)
                default_quota_commit(t->control, t->caller);
        /* Last, as in undo(). */
        if (plan->n_slices > 0)
                commit_slices(t);
}

OverrideResult override_transaction(
        Control *control, OverrideList *list, const Caller *caller, char **ret_error) {
        Transaction t = { .control = control, .list = list, .caller = caller };
        OverrideResult result;
        int r;

        r = begin(&t);
        if (r < 0)
                return not_saved(&t, r, ret_error);

        result = write_slices(&t, ret_error);
        if (result == OVERRIDE_DONE) {
                r = plan_vms(&t);
                result = r < 0 ? not_saved(&t, r, ret_error) : write_vms(&t, ret_error);
        }
        /* The default comes last, because all VMs without a quota of their own follow it. */
        if (result == OVERRIDE_DONE)
                result = write_default(&t, ret_error);
        if (result == OVERRIDE_DONE) {
                r = state_store_set_list(control->store, list);
                if (r < 0)
                        result = not_saved(&t, r, ret_error);
        }
        if (result == OVERRIDE_DONE)
                commit(&t);
        else
                undo(&t);

        free(t.tried);
        override_plan_free(t.plan);
        return result;
}
