/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup-path.h"
#include "cgroup.h"
#include "early-limit.h"
#include "limit-control.h"
#include "log.h"
#include "misc-file.h"
#include "slice-watch.h"
#include "unit-path.h"
#include "vm-place.h"
#include "vm-policy.h"

struct EarlyLimit {
        TAILQ_ENTRY(EarlyLimit) entries;
        char *cgroup;
        uint64_t cgroup_id; /* 0: unknown */
        uint32_t quota, watermark;
        Limit misc_max;
        Control *control;
        bool expected;  /* if it is a VM, its machine will be in the list that was requested */
        bool withdrawn; /* not a VM; kept so that a rescan does not limit it again */
};

static void early_limit_free(Control *control, EarlyLimit *e) {
        TAILQ_REMOVE(&control->early_limits, e, entries);
        limits_release(control, &e->misc_max);
        limit_done(&e->misc_max);
        free(e->cgroup);
        free(e);
}

/* Scope names are reused, and the removal of a cgroup is not reported everywhere. */
static bool is_another_cgroup(const Control *control, const EarlyLimit *e) {
        uint64_t id;

        return cgroup_get_id(control->root, e->cgroup, &id) < 0 || id != e->cgroup_id;
}

static EarlyLimit *find(Control *control, const char *unit_path) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &control->early_limits, entries)
                if (streq(e->cgroup, unit_path)) {
                        if (!is_another_cgroup(control, e))
                                return e;
                        early_limit_free(control, e);
                        return NULL;
                }

        return NULL;
}

static const char *unit_of(const EarlyLimit *e) {
        return strrchr(e->cgroup, '/') + 1;
}

/* Returns the announced policy of a VM that has no scope yet, or false if nothing was announced. */
static bool get_announced(VM *vm, const char **ret_name, PolicyResult *ret) {
        const StateNext *next;

        if (vm->kind != VM_KIND_MACHINE)
                return false;

        if (!vm->machine) {
                *ret_name = vm->name;
                *ret = vm->policy;
                return true;
        }

        next = state_get_next(vm->world->state.runtime, vm->key);
        if (!next)
                return false;

        *ret_name = next->name;
        vm_resolve_next(vm, ret);
        return true;
}

/*
 * libvirt shortens machine names, so several VMs may match. An exact match takes
 * precedence; otherwise the largest quota, so that no VM gets less than its own.
 */
static bool find_announced(Control *control, const char *machine, PolicyResult *ret) {
        bool found = false, found_exact = false;
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries) {
                PolicyResult policy;
                const char *name;
                bool exact;

                if (!get_announced(vm, &name, &policy) || !machine_name_fits_vm(machine, name, &exact))
                        continue;
                if (found && (exact < found_exact || (exact == found_exact && policy.quota <= ret->quota)))
                        continue;
                found = true;
                found_exact = exact;
                *ret = policy;
        }

        return found;
}

static void describe(const Limit *limit, LimitSubject *ret) {
        const EarlyLimit *e = CONTAINER_OF(limit, EarlyLimit, misc_max);

        *ret = (LimitSubject) { .file = { .kind = LIMIT_SCOPE, .cgroup = e->cgroup } };
}

static LimitOutcome judge(const Limit *limit, int r, char **ret_error) {
        const EarlyLimit *e = CONTAINER_OF(limit, EarlyLimit, misc_max);

        if (!cgroup_exists(e->control->root, e->cgroup))
                return LIMIT_NOWHERE;

        *ret_error = strdup(strerror(-r));
        return LIMIT_REFUSED;
}

/* May free e. */
static void report_state(EarlyLimit *e) {
        bool changed = limit_take_change(&e->misc_max);

        if (e->misc_max.state == LIMIT_FAILED)
                log_context(changed ? LOG_WARNING : LOG_DEBUG, NULL,
                        "Cannot limit cgroup %s, trying again: %s", e->cgroup, strempty(e->misc_max.error));
        else if (e->misc_max.state == LIMIT_IN_FORCE)
                log_debug("Cgroup %s is limited to %" PRIu64 " until systemd-machined announces its machine.",
                        e->cgroup, e->misc_max.desired);
        else if (!cgroup_exists(e->control->root, e->cgroup))
                early_limit_free(e->control, e);
}

static void on_settled(Limit *limit) {
        report_state(CONTAINER_OF(limit, EarlyLimit, misc_max));
}

const LimitOps early_limit_ops = { .describe = describe, .judge = judge, .settled = on_settled };

static void apply(EarlyLimit *e, uint32_t quota) {
        e->quota = quota;
        /* As for VMs: outside of Slices= there may be no misc.max, and only sets are limited. */
        if (!slice_watch_covers(e->control->slices, e->cgroup))
                return;

        limits_set(e->control, &e->misc_max, quota);
        report_state(e);
}

static EarlyLimit *add(Control *control, const char *unit_path, const PolicyResult *policy) {
        EarlyLimit *e;

        e = calloc(1, sizeof(*e));
        if (e)
                e->cgroup = strdup(unit_path);
        if (!e || !e->cgroup) {
                free(e);
                log_oom();
                return NULL;
        }

        if (cgroup_get_id(control->root, unit_path, &e->cgroup_id) < 0)
                e->cgroup_id = 0;
        e->control = control;
        limit_init(&e->misc_max, LIMIT_SCOPE);
        e->watermark = policy->watermark;
        TAILQ_INSERT_TAIL(&control->early_limits, e, entries);
        return e;
}

void early_limit_scope_appeared(Control *control, const char *unit, const char *unit_path) {
        _cleanup_free_ char *machine = NULL;
        PolicyResult policy = {};
        EarlyLimit *e;

        /* A user's unit can have the name of a machine's scope. */
        if (!world_has_limits(&control->world) || unit_name_to_libvirt_machine(unit, &machine) < 0 ||
                !unit_path_is_of_system(unit_path) || unit_path_is_below_user_slice(unit_path) ||
                vm_first_in_cgroup(&control->world, unit_path) || find(control, unit_path))
                return;

        if (!find_announced(control, machine, &policy))
                return;

        e = add(control, unit_path, &policy);
        if (e)
                apply(e, policy.quota);
}

void early_limit_apply_set(Control *control, const Set *set, const char *unit, const char *unit_path) {
        const EarlyLimit *e;
        int r;

        early_limit_scope_appeared(control, unit, unit_path);
        e = find(control, unit_path);
        if (!e || e->withdrawn)
                return;

        /* Failures are ignored: the limits are written again when the set has a VM. */
        r = limit_file_write(control->root, &(LimitFile) { .kind = LIMIT_SET_QUOTA, .set = set->kernel.id },
                e->quota, NULL);
        if (r >= 0)
                r = limit_file_write(control->root,
                        &(LimitFile) { .kind = LIMIT_SET_WATERMARK, .set = set->kernel.id }, e->watermark,
                        NULL);
        if (r < 0)
                log_debug_errno(r, "Cannot write the quota of set %" PRIu64 ", ignoring: %m", set->kernel.id);
}

void early_limit_forget(Control *control, const char *unit_path) {
        EarlyLimit *e = find(control, unit_path);

        if (e)
                early_limit_free(control, e);
}

bool early_limits_refresh(Control *control) {
        bool changed = false;
        EarlyLimit *e, *next;

        for (e = TAILQ_FIRST(&control->early_limits); e; e = next) {
                _cleanup_free_ char *machine = NULL;
                PolicyResult policy = {};

                next = TAILQ_NEXT(e, entries);
                if (e->withdrawn || unit_name_to_libvirt_machine(unit_of(e), &machine) < 0 ||
                        !find_announced(control, machine, &policy) ||
                        (policy.quota == e->quota && policy.watermark == e->watermark))
                        continue;

                e->watermark = policy.watermark;
                changed = true;
                apply(e, policy.quota);
        }

        return changed;
}

static EarlyLimit *find_by_unit(const Control *control, const char *unit) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &control->early_limits, entries)
                if (streq(unit_of(e), unit))
                        return e;

        return NULL;
}

static void withdraw(Control *control, EarlyLimit *e) {
        int r;

        if (e->withdrawn)
                return;

        e->withdrawn = true;
        limit_forget(&e->misc_max);

        r = limit_file_clear(control->root, e->cgroup, e->quota);
        if (r < 0 && slice_watch_covers(control->slices, e->cgroup) &&
                cgroup_exists(control->root, e->cgroup))
                log_warning_errno(
                        r, "Cannot remove the limit of cgroup %s, which is not a VM's: %m", e->cgroup);
}

void early_limit_withdraw(Control *control, const char *unit) {
        EarlyLimit *e = find_by_unit(control, unit);

        if (e)
                withdraw(control, e);
}

void early_limits_expect_machines(Control *control) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &control->early_limits, entries)
                e->expected = true;
}

void early_limits_withdraw_unexpected(Control *control) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &control->early_limits, entries)
                if (e->expected)
                        withdraw(control, e);
}

void early_limits_gone(Control *control, const char *cgroup) {
        EarlyLimit *e, *next;

        for (e = TAILQ_FIRST(&control->early_limits); e; e = next) {
                next = TAILQ_NEXT(e, entries);
                if (cgroup_path_is_below(e->cgroup, cgroup))
                        early_limit_free(control, e);
        }
}

void early_limits_free(Control *control) {
        EarlyLimit *e;

        while ((e = TAILQ_FIRST(&control->early_limits)))
                early_limit_free(control, e);
}
