/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <search.h>

#include "bus.h"
#include "bus-names.h"
#include "cgroup-path.h"
#include "cgroup.h"
#include "counter-store.h"
#include "early-limit.h"
#include "file-util.h"
#include "messages.h"
#include "other-machines.h"
#include "set.h"
#include "sysfs.h"
#include "usage-signals.h"
#include "utf8.h"
#include "vm-machine.h"
#include "vm-quota.h"
#include "vm.h"

/* Whoever has a VFIO device can make and end sets as fast as he likes, and with them VMs that are no machines. */
#define UNIT_LOG_INTERVAL_USEC (UINT64_C(60000000))
#define UNIT_LOG_BURST         20U

const char *vm_state_to_string(VMState state) {
        return state == VM_RESERVED ? "reserved" : "running";
}

LogContext vm_log_context(const VM *vm, const char *message_id) {
        return (LogContext) { .message_id = message_id, .vm_uuid = vm->uuid, .vm_name = vm->name };
}

static int compare_uuids(const void *a, const void *b) {
        const VM *x = a, *y = b;

        return strcmp(x->uuid, y->uuid);
}

VM *vm_find_by_uuid(Manager *m, const char *uuid) {
        VM wanted = {};
        VM **found;

        if (strlen(uuid) >= sizeof(wanted.uuid))
                return NULL;

        strcpy(wanted.uuid, uuid);
        found = tfind(&wanted, &m->vms_by_uuid, compare_uuids);
        return found ? *found : NULL;
}

VM *vm_find_by_key(Manager *m, const char *key) {
        VM *vm;

        /* Other keys are UUIDs. */
        if (strncmp(key, STATE_UNIT_PREFIX, strlen(STATE_UNIT_PREFIX)) != 0) {
                vm = vm_find_by_uuid(m, key);
                return vm && streq(vm->key, key) ? vm : NULL;
        }

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (streq(vm->key, key))
                        return vm;

        return NULL;
}

VM *vm_find_by_path(Manager *m, const char *path) {
        _cleanup_free_ char *uuid = NULL;
        VM *vm;

        if (sd_bus_path_decode(path, PASIDD_VM_PATH_PREFIX, &uuid) <= 0)
                return NULL;

        /* Other paths, with more escapes, decode to it as well. */
        vm = vm_find_by_uuid(m, uuid);
        return vm && streq(vm->path, path) ? vm : NULL;
}

VM *vm_find_by_machine(Manager *m, const char *machine) {
        VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (streq_ptr(vm->machine, machine))
                        return vm;

        return NULL;
}

VM *vm_find_by_cgroup(Manager *m, const char *unit_path) {
        VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (streq_ptr(vm->cgroup, unit_path))
                        return vm;

        return NULL;
}

bool vm_shares_cgroup(const VM *vm, const VM *other) {
        if (vm == other || vm->kind != VM_KIND_MACHINE || other->kind != VM_KIND_MACHINE || !vm->cgroup ||
                !other->cgroup)
                return false;
        /* Asked for each VM about all others: the ids tell most of them apart. */
        if (vm->cgroup_id != other->cgroup_id && vm->cgroup_id != 0 && other->cgroup_id != 0)
                return false;

        return streq(vm->cgroup, other->cgroup);
}

bool unit_path_is_of_system(const char *unit_path) {
        const char *unit = strrchr(unit_path, '/');
        const size_t suffix = strlen(".slice");

        for (const char *p = unit_path; p < unit;) {
                size_t n = strcspn(++p, "/");

                if (n <= suffix || strncmp(p + n - suffix, ".slice", suffix) != 0)
                        return false;
                p += n;
        }

        return true;
}

bool unit_path_is_below_user_slice(const char *cgroup) {
        return cgroup_path_is_below(cgroup, "/user.slice");
}

static int replace(char **where, const char *s) {
        char *copy = NULL;

        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }

        free(*where);
        *where = copy;
        return 0;
}

int vm_new(Manager *m, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret) {
        unsigned suppressed;
        VM *vm;

        if (vm_find_by_uuid(m, uuid))
                return -EEXIST;

        vm = calloc(1, sizeof(*vm));
        if (!vm)
                return -ENOMEM;

        TAILQ_INIT(&vm->sets);
        TAILQ_INIT(&vm->other_machines);
        vm->manager = m;
        vm->log_level = LOG_INFO;
        if (kind != VM_KIND_MACHINE && !ratelimit_below(&m->unit_log, manager_now(m), UNIT_LOG_INTERVAL_USEC,
                                               UNIT_LOG_BURST, &suppressed))
                vm->log_level = LOG_DEBUG;
        else if (kind != VM_KIND_MACHINE && suppressed > 0)
                log_info("%u more units and sets without a unit appeared, which was not logged.", suppressed);
        vm->kind = kind;
        vm->state = kind == VM_KIND_MACHINE ? VM_RESERVED : VM_RUNNING;
        snprintf(vm->uuid, sizeof(vm->uuid), "%s", uuid);
        vm->key = strdup(key ? key : uuid);
        vm->name = strdup(name);
        TAILQ_INSERT_TAIL(&m->vms, vm, entries);
        m->n_vms++;

        if (!tsearch(vm, &m->vms_by_uuid, compare_uuids) || !vm->key || !vm->name ||
                sd_bus_path_encode(PASIDD_VM_PATH_PREFIX, uuid, &vm->path) < 0) {
                vm_free(vm);
                return -ENOMEM;
        }

        counter_store_take_up(vm);
        *ret = vm;
        return 0;
}

VM *vm_free(VM *vm) {
        Manager *m = vm->manager;
        OtherMachine *other;
        Set *set;

        while ((set = TAILQ_FIRST(&vm->sets)))
                vm_remove_set(vm, set);
        while ((other = other_machines_take(vm)))
                other_machine_free(other);

        usage_signals_forget(vm);
        if (vm->changes_queued)
                TAILQ_REMOVE(&m->vms_changed, vm, of_changed);
        TAILQ_REMOVE(&m->vms, vm, entries);
        m->n_vms--;
        (void) tdelete(vm, &m->vms_by_uuid, compare_uuids);

        sd_event_source_disable_unref(vm->reservation_timeout);
        cgroup_subscription_free(vm->limit_watch);
        cgroup_subscription_free(vm->gone_watch);
        sd_event_source_disable_unref(vm->revert_holdoff);
        free(vm->key);
        free(vm->path);
        free(vm->name);
        free(vm->machine);
        free(vm->unit);
        free(vm->slice);
        free(vm->cgroup);
        free(vm->error);
        free(vm);
        return NULL;
}

void vm_announce(VM *vm) {
        if (vm->announced)
                return;

        vm->announced = true;
        vm->changed = 0; /* new ones come with all their properties */
        log_context(vm->log_level,
                &(LogContext) { .message_id = MESSAGE_VM_ADDED, .vm_uuid = vm->uuid, .vm_name = vm->name },
                "VM %s (%s) is %s.", vm->name, vm->uuid, vm_state_to_string(vm->state));
        bus_vm_added(vm);
        manager_queue_changes(vm->manager, MANAGER_CHANGED_STATUS);
}

void vm_remove(VM *vm, const char *why) {
        Manager *m = vm->manager;
        LogContext context = vm_log_context(vm, MESSAGE_VM_REMOVED);
        _cleanup_free_ char *cgroup = NULL;

        log_context(vm->log_level, &context, "VM %s (%s) is gone: %s.", vm->name, vm->uuid, why);
        bus_vm_removed(vm);
        cgroup = TAKE_PTR(vm->cgroup);
        vm_free(vm);
        if (cgroup)
                vm_apply_cgroup(m, cgroup);
        manager_queue_changes(m, MANAGER_CHANGED_STATUS);
}

bool vm_is_in_slice(const VM *vm, const char *slice) {
        const char *own = vm->slice;

        if (!own) {
                const Announcement *a = state_store_get_announcement(&vm->manager->state, vm->key);

                own = a ? a->slice : NULL;
        }

        return own && slice_is_below(own, slice);
}

bool vm_is_finished(const VM *vm) {
        uint64_t id;

        if (vm->n_sets > 0)
                return false;

        switch (vm->kind) {

        case VM_KIND_MACHINE:
                return vm->state == VM_RUNNING && !vm->machine;

        case VM_KIND_UNIT:
                /* Users can keep as many cgroups as they like. */
                return !vm->cgroup || other_machines_have_unit(vm->manager, vm->unit) ||
                       !unit_path_is_of_system(vm->cgroup) ||
                       cgroup_get_id(vm->manager->root, vm->cgroup, &id) == -ENOENT;

        case VM_KIND_SET:
                return true;
        }

        return true;
}

int vm_set_name(VM *vm, const char *name) {
        int r;

        if (streq(vm->name, name))
                return 0;

        r = replace(&vm->name, name);
        if (r < 0)
                return r;

        vm_queue_changes(vm, VM_CHANGED_NAME);
        return 0;
}

static void forget_cgroup(VM *vm) {
        vm->limit_watch = cgroup_subscription_free(vm->limit_watch);
        vm->gone_watch = cgroup_subscription_free(vm->gone_watch);
        vm->cgroup_id = 0;
        vm->foreign = false;
        free(TAKE_PTR(vm->slice));
        vm_queue_changes(vm, VM_CHANGED_CGROUP);
}

int vm_set_machine(VM *vm, const char *machine, const char *unit, uint32_t leader) {
        VMState state = machine ? VM_RUNNING : VM_RESERVED;
        _cleanup_free_ char *cgroup = NULL;
        int r;

        if (!streq_ptr(vm->unit, unit) || vm->leader != leader)
                vm_queue_changes(vm, VM_CHANGED_MACHINE);
        if (vm->state != state)
                vm_queue_changes(vm, VM_CHANGED_STATE);

        if (!streq_ptr(vm->machine, machine))
                vm->viommu_noted = false;

        r = replace(&vm->machine, machine);
        if (r >= 0)
                r = replace(&vm->unit, unit);
        if (r < 0)
                return r;

        vm->leader = leader;
        vm->state = state;
        vm->unregistered = false;
        cgroup = TAKE_PTR(vm->cgroup);
        if (cgroup) {
                forget_cgroup(vm);
                vm_apply_cgroup(vm->manager, cgroup);
        }
        return 0;
}

static void on_limit_written(CgroupWatchEvent event, const char *child, void *userdata) {
        vm_limit_written(userdata);
}

/* Only what somebody writes raises an event in cgroupfs, our own writing included. */
void vm_watch_limit(VM *vm) {
        int r;

        if (vm->limit_watch)
                return;

        r = cgroup_subscribe(vm->manager->cgroup_watch, CGROUP_WATCH_LIMIT, vm->cgroup, on_limit_written, vm,
                &vm->limit_watch);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot watch the limit of VM %s: %m", vm->name);
}

static void check_unit(VM *vm) {
        if (vm->unregistered)
                (void) vm_machine_check_unregistered(vm);
        else if (vm_is_finished(vm))
                vm_remove(vm, other_machines_have_unit(vm->manager, vm->unit) ? "it is a machine's"
                                                                              : "its unit is gone");
}

void vm_units_check(Manager *m) {
        VM *vm, *next;

        for (vm = TAILQ_FIRST(&m->vms); vm; vm = next) {
                next = TAILQ_NEXT(vm, entries);
                if (vm->kind == VM_KIND_UNIT)
                        check_unit(vm);
        }
        vm_machines_check_unregistered(m);
}

static void on_sibling(CgroupWatchEvent event, const char *child, void *userdata) {
        VM *vm = userdata;

        if (event == CGROUP_CHILD_GONE && streq(child, strrchr(vm->cgroup, '/') + 1))
                check_unit(vm);
}

/* A unit's end is seen in the directory above only. */
static void watch_unit(VM *vm) {
        _cleanup_free_ char *parent = NULL;
        char *slash;
        int r;

        parent = strdup(vm->cgroup);
        if (!parent) {
                log_oom();
                return;
        }

        /* That of a unit in the root cgroup is "/". */
        slash = strrchr(parent, '/');
        slash[slash == parent ? 1 : 0] = '\0';

        vm->gone_watch = cgroup_subscription_free(vm->gone_watch);
        r = cgroup_subscribe(
                vm->manager->cgroup_watch, CGROUP_WATCH_CHILDREN, parent, on_sibling, vm, &vm->gone_watch);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot watch the unit of VM %s: %m", vm->name);
}

int vm_set_cgroup(VM *vm, const char *unit_path) {
        _cleanup_free_ char *slice = NULL;
        int r;

        if (streq_ptr(vm->cgroup, unit_path))
                return 0;

        /* Users name the cgroups of their own manager. The bus takes UTF-8 only, and from all VMs or none. */
        if (!utf8_is_printable(unit_path))
                return -EBADMSG;

        r = cgroup_path_get_slice(unit_path, &slice);
        if (r < 0)
                return r;

        r = replace(&vm->cgroup, unit_path);
        if (r < 0)
                return r;

        early_limit_forget(vm->manager, unit_path);
        free(vm->slice);
        vm->slice = TAKE_PTR(slice);

        vm->limit_watch = cgroup_subscription_free(vm->limit_watch);
        if (cgroup_get_id(vm->manager->root, unit_path, &vm->cgroup_id) < 0)
                vm->cgroup_id = 0;
        if (vm->kind == VM_KIND_UNIT || vm->unregistered)
                watch_unit(vm);

        vm_queue_changes(vm, VM_CHANGED_CGROUP);
        return 0;
}

void vm_add_set(VM *vm, Set *set) {
        set->vm = vm;
        set->match = SET_MATCH_DONE;
        TAILQ_INSERT_TAIL(&vm->sets, set, of_vm);
        vm->n_sets++;
}

void vm_remove_set(VM *vm, Set *set) {
        TAILQ_REMOVE(&vm->sets, set, of_vm);
        vm->n_sets--;
        set->vm = NULL;
        set->match = SET_MATCH_WAITING;
}

void vm_queue_changes(VM *vm, unsigned changes) {
        vm->changed |= changes;
        if (!vm->changes_queued) {
                vm->changes_queued = true;
                TAILQ_INSERT_TAIL(&vm->manager->vms_changed, vm, of_changed);
        }
        manager_queue_changes(vm->manager, 0);
}

static uint32_t clamp_u32(uint64_t value) {
        return value < UINT32_MAX ? (uint32_t) value : UINT32_MAX;
}

void vm_refresh_counters(VM *vm) {
        uint64_t iteration = 0;
        Set *set;

        (void) sd_event_get_iteration(vm->manager->event, &iteration);
        if (iteration == vm->refreshed)
                return;
        vm->refreshed = iteration;

        TAILQ_FOREACH (set, &vm->sets, of_vm)
                (void) sysfs_set_refresh_counters(vm->manager->root, &set->kernel);
}

void vm_refresh_sets(VM *vm) {
        Set *set;

        vm_refresh_counters(vm);
        TAILQ_FOREACH (set, &vm->sets, of_vm)
                (void) sysfs_set_refresh_limits(vm->manager->root, &set->kernel);
}

void vm_read_counters(VM *vm, VMCounters *ret) {
        uint64_t allocated = 0, attached = 0, peak = vm->gone_peak, denied = vm->gone_denied, cgroup_peak;
        unsigned n_peaks = vm->gone_peak > 0;
        Set *set;

        vm_refresh_counters(vm);
        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                allocated += set->kernel.allocated;
                attached += set->kernel.attached;
                peak += set->kernel.peak;
                n_peaks += set->kernel.peak > 0;
                denied += set->kernel.denied;
        }

        /* The sets need not have peaked together; the cgroup counts them together. Its own count is a little
         * high at times, because it includes charges that a cgroup above refused. */
        if (n_peaks > 1 && vm->cgroup && vm->kind != VM_KIND_SET &&
                cgroup_get_peak(vm->manager->root, vm->cgroup, MISC_PASID, &cgroup_peak) >= 0 &&
                cgroup_peak < peak && cgroup_peak >= allocated)
                peak = cgroup_peak;

        *ret = (VMCounters) {
                .allocated = clamp_u32(allocated),
                .peak = clamp_u32(peak),
                .attached = clamp_u32(attached),
                .denied = denied,
        };
}

int vm_policy_origin(const VM *vm, const PolicyResult *policy, char **ret) {
        const Manager *m = vm->manager;
        DefaultSource source;
        const char *origin = "";
        char *s;
        int r;

        switch (policy->source) {

        case QUOTA_SOURCE_RUNTIME:
                origin = m->state.runtime_path;
                break;

        case QUOTA_SOURCE_PERSISTENT:
                origin = m->state.persistent_path;
                break;

        case QUOTA_SOURCE_METADATA:
                origin = "the libvirt domain's metadata";
                break;

        case QUOTA_SOURCE_RULE:
                r = asprintf(&s, "%s (%s:%u)", policy->rule->name, policy->rule->file, policy->rule->line);
                if (r < 0)
                        return -ENOMEM;

                *ret = s;
                return 0;

        case QUOTA_SOURCE_DEFAULT:
                (void) manager_default_quota(m, &source);
                origin = source == DEFAULT_SOURCE_RUNTIME      ? m->state.runtime_path
                         : source == DEFAULT_SOURCE_PERSISTENT ? m->state.persistent_path
                                                               : "DefaultQuota=";
                break;

        default:
                break;
        }

        s = strdup(origin);
        if (!s)
                return -ENOMEM;

        *ret = s;
        return 0;
}

int vm_quota_origin(const VM *vm, char **ret) {
        return vm_policy_origin(vm, &vm->policy, ret);
}
