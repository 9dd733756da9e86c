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

/* A change that is being made, and how far it has come. */
typedef struct Transaction {
        Control *control;
        OverrideList *list;
        OverridePlan *plan;
        bool slices_tried, default_tried;
        size_t n_tried; /* of the plan's writes */
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
        *ret_error = override_explain_not_saved(t->list, strerror(-r));
        return OVERRIDE_NOT_SAVED;
}

/* With the override goes the VM's name as it is now. */
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
        int r = 0;

        if (plan->n_slices == 0)
                return OVERRIDE_DONE;

        t->slices_tried = true;
        for (size_t i = 0; r >= 0 && i < plan->n_slices; i++)
                r = slice_limit_set_desired(
                        t->control, plan->slices[i].name, plan->slices[i].limit, plan->slices[i].source);
        if (r >= 0 && t->control->world.kernel_present)
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

static OverrideResult write_vms(Transaction *t, char **ret_error) {
        while (t->n_tried < t->plan->n_writes) {
                const PlannedWrite *w = &t->plan->writes[t->n_tried++];
                _cleanup_free_ char *why = NULL;

                if (limits_try(t->control, w->limit, w->value, &why) < 0)
                        return not_applied("quota of VM ", w->vm->name, why, ret_error);
        }

        return OVERRIDE_DONE;
}

static OverrideResult write_default(Transaction *t, char **ret_error) {
        Control *control = t->control;
        _cleanup_free_ char *why = NULL;

        if (!t->plan->default_affected)
                return OVERRIDE_DONE;

        t->default_tried = true;
        if (limits_try(control, &control->default_quota.limit, t->plan->default_quota, &why) < 0)
                return not_applied("default quota", "", why, ret_error);

        return OVERRIDE_DONE;
}

/* The kernel gets back what it had. What it does not take now is tried again. */
static void undo(Transaction *t) {
        Control *control = t->control;
        const VM *last = NULL;
        int r;

        if (t->slices_tried) {
                r = slice_limits_refresh(control);
                if (r < 0)
                        log_error_errno(r, "Cannot bring the list of slices back to what it was: %m");
                slice_limits_apply(control);
        }
        if (t->default_tried)
                default_quota_take_back(control);
        for (size_t i = 0; i < t->n_tried; i++) {
                VM *vm = t->plan->writes[i].limit->kind == LIMIT_VM ? t->plan->writes[i].limit->owner : NULL;

                if (!vm)
                        vm = ((const Set *) t->plan->writes[i].limit->owner)->vm;
                if (vm != last)
                        vm_limits_take_back(vm);
                last = vm;
        }
}

static void commit(Transaction *t) {
        const OverridePlan *plan = t->plan;

        /* First all of them: the limit of a cgroup is the sum of the machines' quotas. */
        for (size_t i = 0; i < plan->n_vms; i++)
                vm_take_policy(plan->vms[i].vm, &plan->vms[i].policy);
        for (size_t i = 0; i < plan->n_vms; i++)
                vm_limits_commit(plan->vms[i].vm);
        if (plan->n_slices > 0) {
                slice_limits_announce(t->control);
                world_queue_changes(&t->control->world, 0);
        }
        if (plan->default_affected)
                default_quota_commit(t->control);
}

/* The default comes last, because all VMs without a quota of their own follow it. */
static OverrideResult write_all(Transaction *t, char **ret_error) {
        OverrideResult result;

        result = write_slices(t, ret_error);
        if (result == OVERRIDE_DONE)
                result = write_vms(t, ret_error);
        if (result == OVERRIDE_DONE)
                result = write_default(t, ret_error);
        return result;
}

OverrideResult override_transaction(Control *control, OverrideList *list, char **ret_error) {
        Transaction t = { .control = control, .list = list };
        OverrideResult result;
        int r;

        r = begin(&t);
        if (r < 0)
                return not_saved(&t, r, ret_error);

        result = write_all(&t, ret_error);
        if (result == OVERRIDE_DONE) {
                r = state_store_set_list(control->store, list);
                if (r < 0)
                        result = not_saved(&t, r, ret_error);
        }
        if (result == OVERRIDE_DONE)
                commit(&t);
        else
                undo(&t);

        override_plan_free(t.plan);
        return result;
}
