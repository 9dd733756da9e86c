/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup-path.h"
#include "cgroup.h"
#include "early-limit.h"
#include "limit-retry.h"
#include "misc-file.h"
#include "set-match.h"
#include "set.h"
#include "slice-watch.h"
#include "sysfs.h"
#include "vm-quota.h"
#include "vm.h"

struct EarlyLimit {
        TAILQ_ENTRY(EarlyLimit) entries;
        char *cgroup;
        uint64_t cgroup_id; /* 0: unknown */
        uint32_t quota, watermark;
        bool failed;
        bool listed;    /* the list of machines that is being read has its machine, if it is a VM's */
        bool withdrawn; /* it is not a VM's; kept so that it gets no limit when cgroups are looked at again */
};

static void early_limit_free(Manager *m, EarlyLimit *e) {
        TAILQ_REMOVE(&m->early_limits, e, entries);
        free(e->cgroup);
        free(e);
}

/* Names of scopes are used again, and not everywhere is it told that a cgroup is gone. */
static bool is_another_cgroup(const Manager *m, const EarlyLimit *e) {
        uint64_t id;

        return cgroup_get_id(m->root, e->cgroup, &id) < 0 || id != e->cgroup_id;
}

static EarlyLimit *find(Manager *m, const char *unit_path) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &m->early_limits, entries)
                if (streq(e->cgroup, unit_path)) {
                        if (!is_another_cgroup(m, e))
                                return e;
                        early_limit_free(m, e);
                        return NULL;
                }

        return NULL;
}

static const char *unit_of(const EarlyLimit *e) {
        return strrchr(e->cgroup, '/') + 1;
}

/* What the hook has announced for a VM that has no scope yet. Returns false if it has announced nothing. */
static bool get_announced(VM *vm, const char **ret_name, PolicyResult *ret) {
        const StateNext *next;

        if (vm->kind != VM_KIND_MACHINE)
                return false;

        if (!vm->machine) {
                *ret_name = vm->name;
                *ret = vm->policy;
                return true;
        }

        next = state_store_get_next(&vm->manager->state, vm->key);
        if (!next)
                return false;

        *ret_name = next->name;
        vm_resolve_next(vm, ret);
        return true;
}

/*
 * Machine names are shortened, so more than one VM may fit: the one whose name
 * is complete is meant, and otherwise nobody is refused what was announced.
 */
static bool find_announced(Manager *m, const char *machine, PolicyResult *ret) {
        bool found = false, found_exact = false;
        VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries) {
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

static void apply(Manager *m, EarlyLimit *e) {
        int r;

        /* As for VMs: elsewhere there may be no limits, and only sets are limited. */
        if (!slice_watch_covers(m->slices, e->cgroup)) {
                e->failed = false;
                return;
        }

        r = cgroup_set_limit(m->root, e->cgroup, e->quota, NULL);
        if (r < 0 && !cgroup_exists(m->root, e->cgroup)) {
                early_limit_free(m, e);
                return;
        }
        if (r < 0) {
                log_context_errno(e->failed ? LOG_DEBUG : LOG_WARNING, NULL, r,
                        "Cannot limit cgroup %s, trying again: %m", e->cgroup);
                e->failed = true;
                limit_retry_failed(m, LIMIT_KIND_VM);
                return;
        }

        e->failed = false;
        log_debug("Cgroup %s is limited to %" PRIu32 " until systemd-machined says whose it is.", e->cgroup,
                e->quota);
}

static EarlyLimit *add(Manager *m, const char *unit_path, const PolicyResult *policy) {
        EarlyLimit *e;

        e = calloc(1, sizeof(*e));
        if (e)
                e->cgroup = strdup(unit_path);
        if (!e || !e->cgroup) {
                free(e);
                log_oom();
                return NULL;
        }

        if (cgroup_get_id(m->root, unit_path, &e->cgroup_id) < 0)
                e->cgroup_id = 0;
        e->quota = policy->quota;
        e->watermark = policy->watermark;
        TAILQ_INSERT_TAIL(&m->early_limits, e, entries);
        return e;
}

void early_limit_scope_appeared(Manager *m, const char *unit, const char *unit_path) {
        _cleanup_free_ char *machine = NULL;
        PolicyResult policy = {};
        EarlyLimit *e;

        /* Users can name units of theirs like a machine's scope. */
        if (!manager_has_limits(m) || unit_name_to_libvirt_machine(unit, &machine) < 0 ||
                !unit_path_is_of_system(unit_path) || unit_path_is_below_user_slice(unit_path) ||
                vm_find_by_cgroup(m, unit_path) || find(m, unit_path))
                return;

        if (!find_announced(m, machine, &policy))
                return;

        e = add(m, unit_path, &policy);
        if (e)
                apply(m, e);
}

void early_limit_apply_set(Manager *m, Set *set) {
        const EarlyLimit *e;
        int r;

        early_limit_scope_appeared(m, set->unit, set->unit_path);
        e = find(m, set->unit_path);
        if (!e || e->withdrawn)
                return;

        /* It is written again once the set has a VM. */
        r = sysfs_set_write_quota(m->root, set->kernel.id, e->quota);
        if (r >= 0)
                r = sysfs_set_write_watermark(m->root, set->kernel.id, e->watermark);
        if (r < 0)
                log_debug_errno(r, "Cannot write the quota of set %" PRIu64 ", ignoring: %m", set->kernel.id);
}

void early_limit_forget(Manager *m, const char *unit_path) {
        EarlyLimit *e = find(m, unit_path);

        if (e)
                early_limit_free(m, e);
}

void early_limits_refresh(Manager *m) {
        bool changed = false;
        EarlyLimit *e;

        TAILQ_FOREACH (e, &m->early_limits, entries) {
                _cleanup_free_ char *machine = NULL;
                PolicyResult policy = {};

                if (e->withdrawn || unit_name_to_libvirt_machine(unit_of(e), &machine) < 0 ||
                        !find_announced(m, machine, &policy) ||
                        (policy.quota == e->quota && policy.watermark == e->watermark))
                        continue;

                e->quota = policy.quota;
                e->watermark = policy.watermark;
                e->failed = true; /* until apply() has written it, below */
                changed = true;
        }
        if (!changed)
                return;

        (void) early_limits_apply_failed(m);
        /* Those of sets that have no VM yet are written with the next attempt to find it. */
        set_match_waiting(m);
}

static EarlyLimit *find_by_unit(const Manager *m, const char *unit) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &m->early_limits, entries)
                if (streq(unit_of(e), unit))
                        return e;

        return NULL;
}

static void withdraw(Manager *m, EarlyLimit *e) {
        int r;

        if (e->withdrawn)
                return;

        e->withdrawn = true;
        e->failed = false;

        r = cgroup_remove_limit(m->root, e->cgroup, e->quota);
        if (r < 0 && slice_watch_covers(m->slices, e->cgroup) && cgroup_exists(m->root, e->cgroup))
                log_warning_errno(
                        r, "Cannot remove the limit of cgroup %s, which is not a VM's: %m", e->cgroup);
}

void early_limit_withdraw(Manager *m, const char *unit) {
        EarlyLimit *e = find_by_unit(m, unit);

        if (e)
                withdraw(m, e);
}

void early_limits_expect_machines(Manager *m) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &m->early_limits, entries)
                e->listed = true;
}

void early_limits_withdraw_unexpected(Manager *m) {
        EarlyLimit *e;

        TAILQ_FOREACH (e, &m->early_limits, entries)
                if (e->listed)
                        withdraw(m, e);
}

void early_limits_gone(Manager *m, const char *cgroup) {
        EarlyLimit *e, *next;

        for (e = TAILQ_FIRST(&m->early_limits); e; e = next) {
                next = TAILQ_NEXT(e, entries);
                if (cgroup_path_is_below(e->cgroup, cgroup))
                        early_limit_free(m, e);
        }
}

bool early_limits_apply_failed(Manager *m) {
        EarlyLimit *e, *next;

        for (e = TAILQ_FIRST(&m->early_limits); e; e = next) {
                next = TAILQ_NEXT(e, entries);
                if (e->failed)
                        apply(m, e);
        }

        TAILQ_FOREACH (e, &m->early_limits, entries)
                if (e->failed)
                        return false;

        return true;
}

void early_limits_free(Manager *m) {
        EarlyLimit *e;

        while ((e = TAILQ_FIRST(&m->early_limits)))
                early_limit_free(m, e);
}
