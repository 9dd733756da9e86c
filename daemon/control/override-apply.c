/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "default-quota.h"
#include "log.h"
#include "override-apply.h"
#include "slice-limits.h"
#include "slice-overrides.h"
#include "state-store.h"
#include "vm-limits.h"
#include "vm-quota.h"

/* A change that is being made, and how far it has come. */
typedef struct Attempt {
        Control *control;
        OverrideList *list;
        VM **vms; /* whose quota is written; each once */
        size_t n_vms, n_tried;
        bool slices;        /* changes limits of slices */
        bool default_quota; /* changes that */
        bool default_tried;
} Attempt;

static void attempt_done(Attempt *a) {
        free(a->vms);
}

static int rename_item(OverrideItem *item, const char *name) {
        char *copy = strdup(name);

        if (!copy)
                return -ENOMEM;

        free(item->name);
        item->name = copy;
        return 0;
}

/* The items are sorted: both layers of a VM are neighbours. */
static int add_vm(Attempt *a, OverrideItem *item) {
        VM *vm = vm_find_by_key(&a->control->world, item->key);

        if (!vm)
                return 0; /* it is off: only the files change */
        if (a->n_vms == 0 || a->vms[a->n_vms - 1] != vm)
                a->vms[a->n_vms++] = vm;

        return rename_item(item, vm->name);
}

/* What the list is about, as it is now. */
static int attempt_begin(Attempt *a, Control *control, OverrideList *list) {
        int r;

        *a = (Attempt) { .control = control, .list = list };
        a->vms = calloc(list->n_items + 1, sizeof(VM *));
        if (!a->vms)
                return -ENOMEM;

        r = override_list_compare(list, control->world.state.runtime, control->world.state.persistent);
        for (size_t i = 0; r >= 0 && i < list->n_items; i++) {
                OverrideItem *item = &list->items[i];

                if (!item->changes)
                        continue;
                if (item->kind == OVERRIDE_VM)
                        r = add_vm(a, item);
                a->slices |= item->kind == OVERRIDE_SLICE;
                a->default_quota |= item->kind == OVERRIDE_DEFAULT;
        }

        return r;
}

static OverrideResult not_applied(const char *what, const char *name, const char *why, char **ret_error) {
        if (asprintf(ret_error, "The kernel did not take the %s%s: %s", what, name, strempty(why)) < 0)
                *ret_error = NULL;
        return OVERRIDE_NOT_APPLIED;
}

static OverrideResult not_saved(int r, char **ret_error) {
        if (asprintf(ret_error, "The overrides could not be saved: %s", strerror(-r)) < 0)
                *ret_error = NULL;
        return OVERRIDE_NOT_SAVED;
}

static OverrideResult try_slices(Attempt *a, char **ret_error) {
        for (size_t i = 0; i < a->list->n_items; i++) {
                const OverrideItem *item = &a->list->items[i];
                _cleanup_free_ char *why = NULL;

                if (item->kind == OVERRIDE_SLICE && item->changes &&
                        !slice_limit_try(a->control, item->key, &why))
                        return not_applied("limit of ", item->key, why, ret_error);
        }

        return OVERRIDE_DONE;
}

static OverrideResult try_vms(Attempt *a, char **ret_error) {
        while (a->n_tried < a->n_vms) {
                _cleanup_free_ char *why = NULL;
                VM *vm = a->vms[a->n_tried++];

                if (vm_try_overrides(vm, &why) < 0)
                        return not_applied("quota of VM ", vm->name, why, ret_error);
        }

        return OVERRIDE_DONE;
}

/* The default comes last, because it is announced at once. */
static OverrideResult try_all(Attempt *a, char **ret_error) {
        OverrideResult result = OVERRIDE_DONE;
        int r;

        if (a->slices) {
                r = slice_limits_refresh(a->control);
                if (r < 0)
                        return not_saved(r, ret_error);
                result = try_slices(a, ret_error);
        }
        if (result == OVERRIDE_DONE)
                result = try_vms(a, ret_error);
        if (result == OVERRIDE_DONE && a->default_quota) {
                _cleanup_free_ char *why = NULL;

                a->default_tried = true;
                if (default_quota_try(a->control, &why) < 0)
                        return not_applied("default quota", "", why, ret_error);
        }

        return result;
}

/* What cannot be written now is tried again: see state.h for files; VMs and slices that are not in force are. */
static void take_back(Attempt *a) {
        Control *control = a->control;
        int r;

        r = state_store_undo_list(control->store, a->list);
        if (r < 0)
                log_error_errno(r, "Cannot take the change of overrides back in a file: %m");
        if (a->slices) {
                r = slice_limits_refresh(control);
                if (r < 0)
                        log_error_errno(r, "Cannot bring the list of slices back to what it was: %m");
                slice_limits_apply(control);
        }
        if (a->default_tried)
                default_quota_take_back(control);
        while (a->n_tried > 0)
                vm_limits_take_back(a->vms[--a->n_tried]);
}

static void keep(Attempt *a) {
        for (size_t i = 0; i < a->n_vms; i++)
                vm_take_overrides(a->vms[i]);
        if (a->slices)
                slice_limits_tell(a->control);
        if (a->default_quota)
                default_quota_commit(a->control);
}

OverrideResult override_list_make(Control *control, OverrideList *list, char **ret_error) {
        _cleanup_(attempt_done) Attempt attempt = {};
        OverrideResult result;
        int r;

        r = attempt_begin(&attempt, control, list);
        if (r >= 0)
                r = state_store_set_list(control->store, list);
        if (r < 0)
                return not_saved(r, ret_error);

        result = try_all(&attempt, ret_error);
        if (result == OVERRIDE_DONE)
                keep(&attempt);
        else
                take_back(&attempt);
        return result;
}
