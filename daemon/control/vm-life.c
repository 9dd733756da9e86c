/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup-path.h"
#include "cgroup.h"
#include "counting.h"
#include "early-limit.h"
#include "limit-control.h"
#include "messages.h"
#include "other-machines.h"
#include "unit-path.h"
#include "utf8.h"
#include "vm-life.h"
#include "vm-place.h"
#include "vm-quota.h"

/* The owner of a VFIO device can create and end sets at will, and with them VMs that are not machines. */
#define UNIT_LOG_INTERVAL_USEC (UINT64_C(60000000))
#define UNIT_LOG_BURST         20U

/* Chooses the log level for the VM's start and end. */
static void choose_log_level(Control *control, VM *vm) {
        unsigned suppressed;

        if (vm->kind == VM_KIND_MACHINE)
                return;

        if (!ratelimit_below(&control->log.units, control_now(control), UNIT_LOG_INTERVAL_USEC,
                    UNIT_LOG_BURST, &suppressed))
                vm->log_level = LOG_DEBUG;
        else if (suppressed > 0)
                log_info("%u more units and sets without a unit appeared and were not logged.", suppressed);
}

int vm_create(Control *control, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret) {
        VM *vm;
        int r;

        r = vm_new(&control->world, kind, uuid, key, name, &vm);
        if (r < 0)
                return r;

        vm->life = calloc(1, sizeof(*vm->life));
        if (!vm->life) {
                vm_free(vm);
                return -ENOMEM;
        }

        vm->life->control = control;
        choose_log_level(control, vm);
        counting_restore(control, vm);
        *ret = vm;
        return 0;
}

void vm_discard(VM *vm) {
        VMLife *life = vm->life;

        sd_event_source_disable_unref(life->reservation_timeout);
        cgroup_subscription_free(life->limit_watch);
        cgroup_subscription_free(life->gone_watch);
        limits_release(life->control, &vm->misc_max);
        free(life);
        vm_free(vm);
}

void vm_announce(VM *vm) {
        if (vm->signals.visibility != VM_HIDDEN)
                return;

        vm->signals.visibility = VM_ANNOUNCED;
        log_context(vm->log_level,
                &(LogContext) { .message_id = MESSAGE_VM_ADDED, .vm_uuid = vm->uuid, .vm_name = vm->name },
                "VM %s (%s) is %s.", vm->name, vm->uuid, vm_state_to_string(vm->state));
        vm_queue_changes(vm, 0);
        world_queue_changes(vm->world, WORLD_CHANGED_STATUS);
}

/* Finds another VM in the same cgroup. Its limit changes when this VM leaves. */
static const VM *find_other_in_cgroup(const VM *vm) {
        const VM *other;

        VMS_FOREACH_IN_CGROUP (other, vm->world, vm->place.cgroup)
                if (other != vm)
                        return other;

        return NULL;
}

void vm_remove(VM *vm, const char *reason) {
        Control *control = vm->life->control;
        LogContext context = vm_log_context(vm, MESSAGE_VM_REMOVED);
        const VM *other = find_other_in_cgroup(vm);

        log_context(vm->log_level, &context, "VM %s (%s) is gone: %s.", vm->name, vm->uuid, reason);
        changes_vm_gone(vm);
        vm_discard(vm);
        if (other)
                vm_apply_cgroup(control, other->place.cgroup);
        world_queue_changes(&control->world, WORLD_CHANGED_STATUS);
}

bool vm_is_finished(const VM *vm) {
        uint64_t id;

        if (vm->n_sets > 0)
                return false;

        switch (vm->kind) {

        case VM_KIND_MACHINE:
                return vm_is_running(vm) && !vm->machine;

        case VM_KIND_UNIT:
                /* A user's cgroup is not checked: a user can keep any number of them. */
                return !vm->place.cgroup || other_machines_have_unit(vm->world, vm->place.unit) ||
                       !unit_path_is_of_system(vm->place.cgroup) ||
                       cgroup_get_id(vm->life->control->root, vm->place.cgroup, &id) == -ENOENT;

        case VM_KIND_SET:
                return true;
        }

        return true;
}

static void forget_cgroup(VM *vm) {
        vm->life->limit_watch = cgroup_subscription_free(vm->life->limit_watch);
        vm->life->gone_watch = cgroup_subscription_free(vm->life->gone_watch);
        vm->place.cgroup_id = 0;
        limit_forget(&vm->misc_max);
        free(TAKE_PTR(vm->place.slice));
        vm_queue_changes(vm, VM_CHANGED_CGROUP);
}

int vm_set_machine(VM *vm, const char *machine, const char *unit, uint32_t leader) {
        VMState state = machine ? VM_RUNNING : VM_RESERVED;
        const VM *other = find_other_in_cgroup(vm);
        bool had_cgroup = vm->place.cgroup;
        int r;

        if (!streq_ptr(vm->place.unit, unit) || vm->place.leader != leader)
                vm_queue_changes(vm, VM_CHANGED_MACHINE);
        if (vm_is_running(vm) != (state == VM_RUNNING))
                vm_queue_changes(vm, VM_CHANGED_STATE);

        if (!streq_ptr(vm->machine, machine))
                vm->viommu_noted = false;

        r = replace_string(&vm->machine, machine);
        if (r >= 0)
                r = vm_place_set(vm, unit, NULL);
        if (r < 0)
                return r;

        vm->place.leader = leader;
        vm->state = state;
        if (had_cgroup)
                forget_cgroup(vm);
        if (other)
                vm_apply_cgroup(vm->life->control, other->place.cgroup);
        return 0;
}

static void on_sibling(CgroupWatchEvent event, const char *child, void *userdata) {
        VM *vm = userdata;

        if (event == CGROUP_CHILD_GONE && streq(child, strrchr(vm->place.cgroup, '/') + 1))
                vm->life->control->hooks->unit_gone(vm);
}

/* The end of a unit is only reported by the watch of the parent cgroup. */
static void watch_unit(VM *vm) {
        _cleanup_free_ char *parent = NULL;
        char *slash;
        int r;

        parent = strdup(vm->place.cgroup);
        if (!parent) {
                log_oom();
                return;
        }

        /* The parent of a unit in the root cgroup is "/". */
        slash = strrchr(parent, '/');
        slash[slash == parent ? 1 : 0] = '\0';

        vm->life->gone_watch = cgroup_subscription_free(vm->life->gone_watch);
        r = cgroup_subscribe(vm->life->control->cgroup_watch, CGROUP_WATCH_CHILDREN, parent, on_sibling, vm,
                &vm->life->gone_watch);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot watch the unit of VM %s: %m", vm->name);
}

int vm_set_cgroup(VM *vm, const char *unit_path) {
        _cleanup_free_ char *slice = NULL;
        int r;

        if (streq_ptr(vm->place.cgroup, unit_path))
                return 0;

        /*
         * Users choose the names of cgroups below their own managers. D-Bus would reject invalid UTF-8 of one VM
         * together with the reply for all.
         */
        if (!utf8_is_printable(unit_path))
                return -EBADMSG;

        r = cgroup_path_get_slice(unit_path, &slice);
        if (r < 0)
                return r;

        r = vm_place_set(vm, vm->place.unit, unit_path);
        if (r < 0)
                return r;

        early_limit_forget(vm->life->control, unit_path);
        free(vm->place.slice);
        vm->place.slice = TAKE_PTR(slice);

        vm->life->limit_watch = cgroup_subscription_free(vm->life->limit_watch);
        limit_forget(&vm->misc_max);
        if (cgroup_get_id(vm->life->control->root, unit_path, &vm->place.cgroup_id) < 0)
                vm->place.cgroup_id = 0;
        if (vm->kind == VM_KIND_UNIT || vm->state == VM_RUNNING_UNREGISTERED)
                watch_unit(vm);

        vm_queue_changes(vm, VM_CHANGED_CGROUP);
        return 0;
}
