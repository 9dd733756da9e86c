/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup.h"
#include "log.h"
#include "messages.h"
#include "set-join.h"
#include "set-life.h"
#include "unit-path.h"
#include "vm-life.h"
#include "vm-lookup.h"
#include "vm-place.h"
#include "vm-quota.h"

void set_join(Set *set, VM *vm) {
        set_forget_question(set);
        vm_add_set(vm, set);
        log_debug("Set %" PRIu64 " belongs to VM %s.", set->kernel.id, vm->name);
        vm_apply_set(vm, set);
        world_queue_changes(vm->world, WORLD_CHANGED_STATUS);
}

/* Adds the set to a VM that was created for it. */
static void join_new(Set *set, VM *vm) {
        vm->place.leader = set->kernel.tgid;
        set_forget_question(set);
        vm_add_set(vm, set);
        vm_apply(vm, NULL);
        vm_announce(vm);
}

/*
 * Derives a UUID for a set or unit without one: the boot's random number mixed
 * with the id of the set or the cgroup, which the kernel does not reuse.
 */
static int derive_uuid(
        Control *control, BootSeed *seed, uint64_t set, uint64_t cgroup, char buf[static UUID_STRING_SIZE]) {
        sd_id128_t uuid;
        int r;

        r = boot_seed_get(seed, control->root, &uuid);
        if (r < 0)
                return r;

        uuid.qwords[0] ^= set;
        uuid.qwords[1] ^= cgroup;
        (void) sd_id128_to_uuid_string(uuid, buf);
        return 0;
}

void set_join_own_vm(Set *set, BootSeed *seed) {
        _cleanup_free_ char *name = NULL;
        char uuid[UUID_STRING_SIZE];
        LogContext context;
        VM *vm;
        int r;

        r = derive_uuid(set->search->control, seed, set->kernel.id, 0, uuid);
        if (r >= 0 && asprintf(&name, "set-%" PRIu64, set->kernel.id) < 0) {
                name = NULL;
                r = -ENOMEM;
        }
        if (r >= 0)
                r = vm_create(set->search->control, VM_KIND_SET, uuid, NULL, name, &vm);
        if (r < 0) {
                log_error_errno(r, "Cannot create a VM for set %" PRIu64 ": %m", set->kernel.id);
                return;
        }

        context = vm_log_context(vm, MESSAGE_SET_UNMATCHED);
        context.set = set->kernel.id;
        context.set_known = true;
        /* Any process can create sets. */
        log_context(vm->log_level == LOG_DEBUG ? LOG_DEBUG : LOG_NOTICE, &context,
                "Set %" PRIu64 " of process %" PRIu32
                " does not belong to a unit, treating it as a VM of its own.",
                set->kernel.id, set->kernel.tgid);

        join_new(set, vm);
}

static int create_unit_vm(
        Control *control, const char *uuid, const char *unit, const char *unit_path, VM **ret) {
        _cleanup_free_ char *key = NULL, *name = NULL;
        VM *vm;
        int r;

        r = unit_path_to_vm_name(unit, unit_path, &name);
        if (r < 0)
                return r;

        if (asprintf(&key, "unit:%s", name) < 0) {
                key = NULL;
                return -ENOMEM;
        }

        r = vm_create(control, VM_KIND_UNIT, uuid, key, name, &vm);
        if (r < 0)
                return r;

        r = vm_place_set(vm, unit, NULL);
        if (r >= 0)
                r = vm_set_cgroup(vm, unit_path);
        if (r < 0) {
                vm_discard(vm);
                return r;
        }

        *ret = vm;
        return 0;
}

void set_join_unit(Set *set, BootSeed *seed, const char *uuid) {
        Control *control = set->search->control;
        char derived[UUID_STRING_SIZE];
        bool shared;
        uint64_t id;
        VM *vm;
        int r = 0;

        vm = vm_find_in_unit(control, set->search->unit_path, set->kernel.tgid, &shared);
        if (vm) {
                set_join(set, vm);
                return;
        }
        /* It is unknown which of the machines the set belongs to. */
        if (shared) {
                set_join_own_vm(set, seed);
                return;
        }

        if (uuid)
                r = create_unit_vm(control, uuid, set->search->unit, set->search->unit_path, &vm);
        /* If another VM has that UUID, derive one. */
        if (!uuid || r == -EEXIST) {
                r = cgroup_get_id(control->root, set->search->unit_path, &id);
                if (r >= 0)
                        r = derive_uuid(control, seed, 0, id, derived);
                if (r >= 0)
                        r = create_unit_vm(control, derived, set->search->unit, set->search->unit_path, &vm);
        }
        if (r < 0) {
                log_warning_errno(r, "Cannot create a VM for unit %s: %m", set->search->unit);
                set_join_own_vm(set, seed);
                return;
        }

        join_new(set, vm);
}
