/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup-path.h"
#include "cgroup.h"
#include "early-limit.h"
#include "libvirt-qemu.h"
#include "other-machines.h"
#include "proc.h"
#include "slice-watch.h"
#include "unit-path.h"
#include "vm-life.h"
#include "vm-machine.h"
#include "vm-place.h"
#include "vm-quota.h"
#include "reservation.h"

/* Is the machine's unit a user session, a unit in one, or in a container? */
static bool is_of_user(const Control *control, const MachineInfo *info) {
        _cleanup_free_ char *cgroup = NULL, *unit = NULL, *unit_path = NULL;

        return info->leader > 0 && info->unit &&
               proc_get_cgroup_unverified(control->root, (pid_t) info->leader, &cgroup) >= 0 &&
               cgroup_path_get_unit(cgroup, &unit, &unit_path) >= 0 && streq(unit, info->unit) &&
               (unit_path_is_below_user_slice(unit_path) || !unit_path_is_of_system(unit_path));
}

static void set_cgroup(VM *vm, const char *unit_path, const Caller *caller) {
        int r;

        r = vm_set_cgroup(vm, unit_path);
        if (r < 0) {
                log_error_errno(r, "Cannot use cgroup %s of VM %s: %m", unit_path, vm->name);
                return;
        }

        vm_apply(vm, caller);
        vm->life->control->hooks->cgroup_known(vm);
}

/*
 * Finds the cgroup by the leader, if the leader is in the unit; it is moved there only after the registration. Else by
 * the unit.
 */
static void find_cgroup(VM *vm, const Caller *caller) {
        _cleanup_free_ char *cgroup = NULL, *unit = NULL, *unit_path = NULL;

        if (!vm->place.unit)
                return;

        if (vm->place.leader > 0 &&
                proc_get_cgroup_unverified(vm->life->control->root, (pid_t) vm->place.leader, &cgroup) >= 0 &&
                cgroup_path_get_unit(cgroup, &unit, &unit_path) >= 0 && streq(unit, vm->place.unit) &&
                unit_path_is_of_system(unit_path) && !unit_path_is_below_user_slice(unit_path)) {
                set_cgroup(vm, unit_path, caller);
                return;
        }

        free(TAKE_PTR(unit_path));
        if (slice_watch_find_unit(vm->life->control->slices, vm->place.unit, &unit_path) >= 0 &&
                !unit_path_is_below_user_slice(unit_path))
                set_cgroup(vm, unit_path, caller);
}

/* Returns the domain's name if the hook has announced it; else derives it from the machine's name. */
static int choose_name(Control *control, const MachineInfo *info, char **ret) {
        const StateEntry *e = state_get_reservation(control->world.state.runtime, info->uuid);
        char *name;

        if (!e || !e->name)
                return machine_name_to_vm_name(info->name, ret);

        name = strdup(e->name);
        if (!name)
                return -ENOMEM;

        *ret = name;
        return 0;
}

/* A VM of another kind got this UUID from an attribute that users can write, so it gets another one. */
int vm_machine_get(Control *control, const char *uuid, const char *name, VM **ret) {
        VM *vm;
        int r;

        vm = vm_find_by_uuid(&control->world, uuid);
        if (vm && vm->kind != VM_KIND_MACHINE) {
                log_notice("VM %s has the UUID %s, which belongs to a machine.", vm->name, uuid);
                vm_remove(vm, "its UUID belongs to a machine");
                r = vm_create(control, VM_KIND_MACHINE, uuid, NULL, name, ret);
                control->hooks->sets_may_match(control);
                return r;
        }

        if (!vm)
                return vm_create(control, VM_KIND_MACHINE, uuid, NULL, name, ret);

        *ret = vm;
        return 0;
}

static int get_machine_vm(Control *control, const MachineInfo *info, VM **ret) {
        _cleanup_free_ char *name = NULL;
        int r;

        r = choose_name(control, info, &name);
        if (r < 0)
                return r;

        return vm_machine_get(control, info->uuid, name, ret);
}

/* Adds the VM's current machine to the other machines, because it can outlive the new one. */
static int add_to_others(VM *vm) {
        const MachineInfo info = {
                .name = vm->machine,
                .uuid = vm->uuid,
                .unit = vm->place.unit,
                .leader = vm->place.leader,
                .usec = vm->machine_usec,
        };

        return other_machines_add(vm, &info, vm->in_list);
}

static int begin_running(VM *vm, const MachineInfo *info) {
        /* machined has come back and announced an unregistered machine. */
        bool same_run = vm->state == VM_RUNNING_UNREGISTERED;
        int r;

        if (vm->machine && !same_run) {
                log_notice("VM %s is now machine %s, no longer %s.", vm->uuid, info->name, vm->machine);
                r = add_to_others(vm);
                if (r < 0)
                        return r;
        }
        other_machines_remove(vm, info->name);

        r = vm_set_machine(vm, info->name, info->unit, info->leader);
        if (r < 0)
                return r;

        /* Not done by vm_set_machine() if the machine has the same name as the previous one. */
        if (!same_run)
                vm->viommu_noted = false;
        vm->machine_usec = info->usec;
        return reservation_begin(vm);
}

/* Compares the time as well: libvirt's numbers start again at 1 when it is restarted, so names are reused. */
static bool is_machine(const VM *vm, const MachineInfo *info) {
        return streq_ptr(vm->machine, info->name) && vm->machine_usec == info->usec;
}

void vm_machine_appeared(Control *control, const MachineInfo *info) {
        VM *vm = NULL, *present;
        bool known;
        int r;

        present = vm_find_by_uuid(&control->world, info->uuid);
        if (!(present && is_machine(present, info)) && is_of_user(control, info)) {
                log_debug("Machine %s runs in a user session, identifying it by its unit.", info->name);
                return;
        }

        r = get_machine_vm(control, info, &vm);
        known = r >= 0 && is_machine(vm, info) && vm->place.cgroup;
        if (r >= 0 && !is_machine(vm, info)) {
                if (vm->machine && info->usec < vm->machine_usec) {
                        log_debug("Machine %s is older than machine %s, which is the VM.", info->name,
                                vm->machine);
                        if (other_machines_add(vm, info, true) < 0)
                                log_oom();
                        /* While machined was away, the machine's unit may have become a VM of its own. */
                        vm_units_check(control);
                        return;
                }
                r = begin_running(vm, info);
        }
        if (r < 0)
                log_error_errno(r, "Cannot keep track of machine %s: %m", info->name);
        if (!vm || !vm->machine)
                return;

        vm->in_list = true;
        if (!vm->place.cgroup)
                find_cgroup(vm, NULL);
        /* set_cgroup() has applied the quota. A machine that was known already is checked when the list is complete, see
         * reconcile.h. */
        if (!known && !vm->place.cgroup)
                vm_apply(vm, NULL);
        vm_announce(vm);
}

/* If there is another machine with the UUID, it becomes the VM. */
static bool take_other_machine(VM *vm, const Caller *caller) {
        OtherMachine *other;
        int r;

        other = other_machines_take(vm);
        if (!other)
                return false;

        log_notice("Machine %s of VM %s has ended, machine %s still exists.", vm->machine, vm->uuid,
                other->name);
        r = vm_set_machine(vm, other->name, other->unit, other->leader);
        vm->machine_usec = other->usec;
        vm->in_list = other->in_list;
        other_machine_free(other);
        if (r < 0) {
                log_oom();
                return false;
        }

        find_cgroup(vm, caller);
        if (!vm->place.cgroup)
                vm_apply(vm, caller);
        return true;
}

/* The machine has ended. The next start may have been announced already. */
static void machine_gone(VM *vm, const Caller *caller) {
        if (!take_other_machine(vm, caller))
                reservation_end(vm, caller);
}

void vm_machine_removed(Control *control, const char *machine) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                other_machines_remove(vm, machine);

        vm = vm_find_by_machine(&control->world, machine);
        /* An unregistered VM does not end with a machine of the same name in machined. */
        if (!vm || vm->state == VM_RUNNING_UNREGISTERED)
                return;

        machine_gone(vm, NULL);
        /* A set outlives its machine if another process holds the container. */
        control->hooks->sets_may_match(control);
}

void vm_machines_begin(Control *control) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries) {
                vm->in_list = false;
                other_machines_begin(vm);
        }
}

static VM *find_unlisted(Control *control) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                if (vm->state == VM_RUNNING && vm->machine && !vm->in_list)
                        return vm;

        return NULL;
}

void vm_machines_end(Control *control) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                other_machines_end(vm);

        /* Start over each time, because machine_gone() may remove VMs. */
        while ((vm = find_unlisted(control))) {
                vm->in_list = true;
                machine_gone(vm, NULL);
        }
}

static bool find_one_unregistered(Control *control) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                if (vm_machine_find_unregistered(vm, NULL))
                        return true;

        return false;
}

void vm_machine_claim_cgroup(Control *control, const char *unit, const char *unit_path) {
        VM *vm;

        if (cgroup_path_is_of_libvirt(unit_path)) {
                /* Each call changes the list of VMs. */
                while (!vm_first_in_cgroup(&control->world, unit_path) && find_one_unregistered(control))
                        ;
                return;
        }

        /* A user's unit can have the name of a machine's scope. */
        if (!unit_path_is_of_system(unit_path))
                return;

        /* Several machines can share a unit. Start over each time, because VMs may be removed. */
        while ((vm = vm_find_without_cgroup(&control->world, unit))) {
                if (unit_path_is_below_user_slice(unit_path)) {
                        log_debug(
                                "Machine %s runs below user.slice, identifying it by its unit.", vm->machine);
                        machine_gone(vm, NULL);
                        continue;
                }
                set_cgroup(vm, unit_path, NULL);
                if (!vm->place.cgroup)
                        return;
        }
}

/* As begin_running(), for a machine that is not registered with machined. */
static int begin_unregistered(VM *vm, const LibvirtQemu *qemu) {
        int r;

        r = vm_set_machine(vm, qemu->machine, qemu->unit, qemu->pid);
        if (r < 0)
                return r;

        vm->state = VM_RUNNING_UNREGISTERED;
        vm->machine_usec = 0;
        return reservation_begin(vm);
}

bool vm_machine_find_unregistered(VM *vm, const Caller *caller) {
        _cleanup_(libvirt_qemu_clear) LibvirtQemu qemu = {};
        int r;

        if (vm->kind != VM_KIND_MACHINE || vm->state == VM_RUNNING ||
                libvirt_qemu_find(vm->life->control->root, vm->name, &qemu) < 0 ||
                streq_ptr(vm->place.cgroup, qemu.unit_path))
                return false;

        r = begin_unregistered(vm, &qemu);
        if (r < 0)
                log_error_errno(r, "Cannot keep track of machine %s: %m", qemu.machine);
        if (!vm->machine)
                return false;

        log_debug("VM %s runs as process %" PRIu32 " without systemd-machined.", vm->name, qemu.pid);
        set_cgroup(vm, qemu.unit_path, caller);
        vm_announce(vm);
        return true;
}

static bool has_ended_unregistered(const VM *vm) {
        return vm->state == VM_RUNNING_UNREGISTERED && vm->n_sets == 0 &&
               !(vm->place.cgroup && cgroup_exists(vm->life->control->root, vm->place.cgroup));
}

bool vm_machine_check_unregistered(VM *vm, const Caller *caller) {
        if (!has_ended_unregistered(vm))
                return false;

        machine_gone(vm, caller);
        return true;
}

void vm_machines_check_unregistered(Control *control) {
        VM *vm, *ended;

        /* Start over each time, because machine_gone() may remove VMs. */
        do {
                ended = NULL;
                TAILQ_FOREACH (vm, &control->world.vms, entries)
                        if (has_ended_unregistered(vm)) {
                                ended = vm;
                                break;
                        }
                if (ended)
                        machine_gone(ended, NULL);
        } while (ended);
}

void vm_machine_cgroup_appeared(Control *control, const char *cgroup) {
        _cleanup_free_ char *unit = NULL, *unit_path = NULL;

        if (cgroup_path_get_unit(cgroup, &unit, &unit_path) < 0)
                return;

        vm_machine_claim_cgroup(control, unit, unit_path);
        early_limit_scope_appeared(control, unit, unit_path);
}

void vm_unit_check(VM *vm) {
        if (vm->state == VM_RUNNING_UNREGISTERED)
                (void) vm_machine_check_unregistered(vm, NULL);
        else if (vm_is_finished(vm))
                vm_remove(vm, other_machines_have_unit(vm->world, vm->place.unit) ? "it belongs to a machine"
                                                                                  : "its unit is gone");
}

void vm_units_check(Control *control) {
        VM *vm, *next;

        for (vm = TAILQ_FIRST(&control->world.vms); vm; vm = next) {
                next = TAILQ_NEXT(vm, entries);
                if (vm->kind == VM_KIND_UNIT)
                        vm_unit_check(vm);
        }
        vm_machines_check_unregistered(control);
}
