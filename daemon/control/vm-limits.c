/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup.h"
#include "file-util.h"
#include "log.h"
#include "messages.h"
#include "slice-watch.h"
#include "vm-limit.h"
#include "vm-life.h"
#include "vm-limits.h"
#include "vm-place.h"
#include "limit-control.h"

static Control *control_of(const VM *vm) {
        return vm->life->control;
}

void vm_update_enforcement(VM *vm) {
        LogContext context = vm_log_context(vm, NULL);
        VMEnforcement enforcement = vm_enforcement(vm);
        bool in_force = enforcement.state == LIMIT_IN_FORCE;

        if (vm->quota.in_force == in_force && streq(strempty(vm->quota.error), strempty(enforcement.reason)))
                return;

        context.quota = vm->policy.quota;
        context.quota_known = true;
        if (enforcement.state == LIMIT_FAILED) {
                context.message_id = MESSAGE_QUOTA_NOT_APPLIED;
                log_context(vm->log_level == LOG_DEBUG ? LOG_DEBUG : LOG_WARNING, &context,
                        "Quota %" PRIu32 " of VM %s is not in force: %s.", vm->policy.quota, vm->name,
                        strempty(enforcement.reason));
        } else if (in_force && !vm->quota.in_force)
                log_context(vm->log_level, &context, "Quota %" PRIu32 " of VM %s is in force.",
                        vm->policy.quota, vm->name);

        vm->quota.in_force = in_force;
        if (replace_string(&vm->quota.error, enforcement.reason) < 0)
                log_oom();
        vm_queue_changes(vm, VM_CHANGED_IN_FORCE);
}

static void on_misc_max_written(CgroupWatchEvent event, const char *child, void *userdata) {
        VM *vm = userdata;

        (void) limits_look(control_of(vm), &vm->misc_max);
}

/* cgroupfs reports only writes, including pasidd's own. */
static void watch_misc_max(VM *vm) {
        int r;

        if (vm->life->limit_watch)
                return;

        r = cgroup_subscribe(control_of(vm)->cgroup_watch, CGROUP_WATCH_LIMIT, vm->place.cgroup,
                on_misc_max_written, vm, &vm->life->limit_watch);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot watch the limit of VM %s: %m", vm->name);
}

static void set_limit(Control *control, Limit *limit, uint64_t desired, bool force) {
        if (force)
                limits_set_forced(control, limit, desired);
        else
                limits_set(control, limit, desired);
}

/* Sets the same desired number for the other machines that share the cgroup. */
static void share_misc_max(const VM *vm) {
        VM *other;

        VMS_FOREACH_IN_CGROUP (other, vm->world, vm->place.cgroup)
                if (vm_shares_cgroup(vm, other) && other->misc_max.state != LIMIT_ABSENT &&
                        other->misc_max.desired != vm->misc_max.desired) {
                        limits_set(control_of(vm), &other->misc_max, vm->misc_max.desired);
                        vm_update_enforcement(other);
                }
}

static void set_limits_of_set(const VM *vm, Set *set, bool force) {
        set_limit(control_of(vm), &set->quota, vm->policy.quota, force);
        set_limit(control_of(vm), &set->watermark, vm->policy.watermark, force);
}

void vm_limits_set(VM *vm, bool force) {
        uint64_t desired;
        bool shared;
        Set *set;

        if (vm_has_misc_max(vm)) {
                desired = vm_misc_max(vm, &shared);
                watch_misc_max(vm);
                set_limit(control_of(vm), &vm->misc_max, desired, force);
                if (shared)
                        share_misc_max(vm);
        } else
                limit_forget(&vm->misc_max);

        TAILQ_FOREACH (set, &vm->sets, of_vm)
                set_limits_of_set(vm, set, force);

        vm_update_enforcement(vm);
}

void vm_limits_set_of_set(VM *vm, Set *set) {
        set_limits_of_set(vm, set, false);
        vm_update_enforcement(vm);
}

void vm_limits_look(VM *vm) {
        Set *set;

        (void) limits_look(control_of(vm), &vm->misc_max);
        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                (void) limits_look(control_of(vm), &set->quota);
                (void) limits_look(control_of(vm), &set->watermark);
        }
}

static void verify(VM *vm, Limit *limit, int *ret) {
        int r;

        r = limits_verify(control_of(vm), limit);
        if (r < 0 && *ret >= 0)
                *ret = r;
}

int vm_limits_verify(VM *vm, char **ret_error) {
        int r = 0;
        Set *set;

        verify(vm, &vm->misc_max, &r);
        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                verify(vm, &set->quota, &r);
                verify(vm, &set->watermark, &r);
        }

        vm_update_enforcement(vm);
        if (r >= 0 && vm->quota.in_force)
                return 0;

        *ret_error =
                strdup(vm->quota.error ? vm->quota.error
                                       : "another process has just changed it, it will be restored shortly");
        return r < 0 ? r : -EAGAIN;
}

void vm_limits_forget_cgroup(VM *vm) {
        vm->life->limit_watch = cgroup_subscription_free(vm->life->limit_watch);
        limit_forget(&vm->misc_max);
}

void vm_limits_committed(VM *vm) {
        if (vm_has_misc_max(vm) && vm_cgroup_is_shared(vm))
                share_misc_max(vm);
        vm_update_enforcement(vm);
}

void vm_limits_taken_back(VM *vm) {
        VMEnforcement enforcement;

        enforcement = vm_enforcement(vm);
        if (enforcement.state == LIMIT_FAILED) {
                LogContext context = vm_log_context(vm, MESSAGE_QUOTA_NOT_APPLIED);

                log_context(LOG_ERR, &context, "Cannot restore the old quota of VM %s: %s", vm->name,
                        strempty(enforcement.reason));
        }
        vm_update_enforcement(vm);
}

static void describe_vm(VM *vm, LimitSubject *ret) {
        *ret = (LimitSubject) {
                .vm = vm,
                .owner_kind = "VM ",
                .owner = vm->name,
                .foreign_log = &vm->life->foreign_log,
        };
}

static void describe_misc_max(const Limit *limit, LimitSubject *ret) {
        VM *vm = CONTAINER_OF(limit, VM, misc_max);

        describe_vm(vm, ret);
        ret->file = (LimitFile) { .kind = LIMIT_VM, .cgroup = vm->place.cgroup };
}

static bool is_misc_max_shared(const Limit *limit) {
        return vm_cgroup_is_shared(CONTAINER_OF(limit, VM, misc_max));
}

static LimitOutcome judge_misc_max(const Limit *limit, int r, char **ret_error) {
        const VM *vm = CONTAINER_OF(limit, VM, misc_max);
        const Control *control = control_of(vm);
        int k;

        if (!errno_is_gone(r))
                k = asprintf(ret_error, "%s/misc.max: %s", vm->place.cgroup, strerror(-r));
        else if (!cgroup_exists(control->root, vm->place.cgroup)) {
                log_debug("Cgroup %s is gone.", vm->place.cgroup);
                return LIMIT_NOWHERE;
        } else if (!slice_watch_covers(control->slices, vm->place.cgroup))
                return LIMIT_NOWHERE; /* VMs outside of Slices= are limited by their sets */
        else
                k = asprintf(ret_error, "the misc controller is not enabled for %s", vm->place.cgroup);

        if (k < 0)
                *ret_error = NULL;
        return LIMIT_REFUSED;
}

static void settle_misc_max(Limit *limit) {
        vm_update_enforcement(CONTAINER_OF(limit, VM, misc_max));
}

const LimitOps vm_limit_ops = {
        .describe = describe_misc_max,
        .is_shared = is_misc_max_shared,
        .judge = judge_misc_max,
        .settled = settle_misc_max,
};

static Set *set_of(const Limit *limit) {
        return limit->kind == LIMIT_SET_QUOTA ? CONTAINER_OF(limit, Set, quota)
                                              : CONTAINER_OF(limit, Set, watermark);
}

static void describe_set(const Limit *limit, LimitSubject *ret) {
        const Set *set = set_of(limit);

        describe_vm(set->vm, ret);
        ret->file = (LimitFile) { .kind = limit->kind, .set = set->kernel.id };
        ret->what = limit->kind == LIMIT_SET_QUOTA ? "the quota of a set" : "the watermark of a set";
}

static LimitOutcome judge_set(const Limit *limit, int r, char **ret_error) {
        const Set *set = set_of(limit);

        if (errno_is_gone(r))
                return LIMIT_NOWHERE;

        if (asprintf(ret_error, "%s of set %" PRIu64 ": %s",
                    limit->kind == LIMIT_SET_QUOTA ? "quota" : "watermark", set->kernel.id, strerror(-r)) < 0)
                *ret_error = NULL;
        return LIMIT_REFUSED;
}

static void settle_set(Limit *limit) {
        const Set *set = set_of(limit);

        if (set->vm)
                vm_update_enforcement(set->vm);
}

const LimitOps set_quota_ops = { .describe = describe_set, .judge = judge_set, .settled = settle_set };
const LimitOps set_watermark_ops = { .describe = describe_set, .judge = judge_set, .settled = settle_set };
