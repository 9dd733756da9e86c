/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-error.h"
#include "bus-names.h"
#include "override-apply.h"
#include "slice-limit.h"
#include "vm-quota.h"

/* A change that is being made, and how far it has come. */
typedef struct Attempt {
        Manager *manager;
        OverrideList *list;
        VM **vms; /* whose quota is written; each once */
        size_t n_vms, n_tried;
        bool slices;        /* changes limits of slices */
        bool default_quota; /* changes that */
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
        VM *vm = vm_find_by_key(a->manager, item->key);

        if (!vm)
                return 0; /* it is off: only the files change */
        if (a->n_vms == 0 || a->vms[a->n_vms - 1] != vm)
                a->vms[a->n_vms++] = vm;

        return rename_item(item, vm->name);
}

/* What the list is about, as it is now. */
static int attempt_begin(Attempt *a, Manager *m, OverrideList *list) {
        int r;

        *a = (Attempt) { .manager = m, .list = list };
        a->vms = calloc(list->n_items + 1, sizeof(VM *));
        if (!a->vms)
                return -ENOMEM;

        r = override_list_compare(list, m->state.runtime, m->state.persistent);
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

static int not_applied(const char *what, const char *name, const char *why, sd_bus_error *error) {
        return bus_error_setf(error, PASIDD_ERROR_NOT_APPLIED, "The kernel did not take the %s%s: %s", what,
                name, strempty(why));
}

static int not_saved(int r, sd_bus_error *error) {
        return bus_error_setf(
                error, PASIDD_ERROR_NOT_SAVED, "The overrides could not be saved: %s", strerror(-r));
}

static int try_slices(Attempt *a, sd_bus_error *error) {
        for (size_t i = 0; i < a->list->n_items; i++) {
                const OverrideItem *item = &a->list->items[i];
                _cleanup_free_ char *why = NULL;

                if (item->kind == OVERRIDE_SLICE && item->changes &&
                        !slice_limit_try(a->manager, item->key, &why))
                        return not_applied("limit of ", item->key, why, error);
        }

        return 0;
}

static int try_vms(Attempt *a, sd_bus_error *error) {
        while (a->n_tried < a->n_vms) {
                _cleanup_free_ char *why = NULL;
                VM *vm = a->vms[a->n_tried++];

                if (vm_try_overrides(vm, &why) < 0)
                        return not_applied("quota of VM ", vm->name, why, error);
        }

        return 0;
}

/* The default comes last, because it is announced at once. */
static int try_all(Attempt *a, sd_bus_error *error) {
        int r = 0;

        if (a->slices) {
                r = slice_limits_refresh(a->manager);
                if (r < 0)
                        return not_saved(r, error);
                r = try_slices(a, error);
        }
        if (r >= 0)
                r = try_vms(a, error);
        if (r >= 0 && a->default_quota) {
                r = manager_apply_default_quota(a->manager);
                if (r < 0)
                        return not_applied("default quota", "", strerror(-r), error);
        }

        return r;
}

/* What cannot be written now is tried again: see state.h for files; VMs and slices that are not in force are. */
static void take_back(Attempt *a) {
        Manager *m = a->manager;
        int r;

        r = state_store_undo_list(&m->state, a->list);
        if (r < 0)
                log_error_errno(r, "Cannot take the change of overrides back in a file: %m");
        if (a->slices) {
                r = slice_limits_refresh(m);
                if (r < 0)
                        log_error_errno(r, "Cannot bring the list of slices back to what it was: %m");
                slice_limits_apply(m);
        }
        while (a->n_tried > 0)
                vm_take_back(a->vms[--a->n_tried]);
}

static void keep(Attempt *a) {
        for (size_t i = 0; i < a->n_vms; i++)
                vm_take_overrides(a->vms[i]);
        if (a->slices)
                slice_limits_tell(a->manager);
        if (a->default_quota) {
                manager_apply_all(a->manager);
                manager_queue_changes(a->manager, MANAGER_CHANGED_DEFAULT);
        }
}

int override_list_make(Manager *m, OverrideList *list, sd_bus_error *error) {
        _cleanup_(attempt_done) Attempt attempt = {};
        int r;

        r = attempt_begin(&attempt, m, list);
        if (r >= 0)
                r = state_store_set_list(&m->state, list);
        if (r < 0)
                return not_saved(r, error);

        r = try_all(&attempt, error);
        if (r < 0)
                take_back(&attempt);
        else
                keep(&attempt);
        return r;
}
