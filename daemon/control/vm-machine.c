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
#include "vm-quota.h"
#include "reservation.h"

/* Is the machine's unit known to be a user's session, something in it, or in a container? */
static bool is_of_user(const Control *control, const MachineInfo *info) {
        _cleanup_free_ char *cgroup = NULL, *unit = NULL, *unit_path = NULL;

        return info->leader > 0 && info->unit &&
               proc_get_cgroup_unverified(control->root, (pid_t) info->leader, &cgroup) >= 0 &&
               cgroup_path_get_unit(cgroup, &unit, &unit_path) >= 0 && streq(unit, info->unit) &&
               (unit_path_is_below_user_slice(unit_path) || !unit_path_is_of_system(unit_path));
}

static void cgroup_known(VM *vm, const char *unit_path, const Caller *caller) {
        int r;

        r = vm_set_cgroup(vm, unit_path);
        if (r < 0) {
                log_error_errno(r, "Cannot use cgroup %s of VM %s: %m", unit_path, vm->name);
                return;
        }

        vm_apply(vm, caller);
        vm->life->control->hooks->cgroup_known(vm);
}

/* Where the leader runs, if that is in the machine's unit. It is moved there only after machined was told. */
static void find_cgroup(VM *vm, const Caller *caller) {
        _cleanup_free_ char *cgroup = NULL, *unit = NULL, *unit_path = NULL;

        if (!vm->place.unit)
                return;

        if (vm->place.leader > 0 &&
                proc_get_cgroup_unverified(vm->life->control->root, (pid_t) vm->place.leader, &cgroup) >= 0 &&
                cgroup_path_get_unit(cgroup, &unit, &unit_path) >= 0 && streq(unit, vm->place.unit) &&
                unit_path_is_of_system(unit_path) && !unit_path_is_below_user_slice(unit_path)) {
                cgroup_known(vm, unit_path, caller);
                return;
        }

        free(TAKE_PTR(unit_path));
        if (slice_watch_find_unit(vm->life->control->slices, vm->place.unit, &unit_path) >= 0 &&
                !unit_path_is_below_user_slice(unit_path))
                cgroup_known(vm, unit_path, caller);
}

/* libvirt's own name for the domain, if the hook has told it; else what the machine's name gives. */
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

/* Whatever else has the UUID got it from an attribute that others may write, and gets another one. */
int vm_machine_get(Control *control, const char *uuid, const char *name, VM **ret) {
        VM *vm;
        int r;

        vm = vm_find_by_uuid(&control->world, uuid);
        if (vm && vm->kind != VM_KIND_MACHINE) {
                log_notice("VM %s has the UUID %s, which is a machine's.", vm->name, uuid);
                vm_remove(vm, "its UUID is a machine's");
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

/* What is the VM's machine until now can outlive the one that is it from now on. */
static int keep_aside(VM *vm) {
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
        /* machined is back, and speaks of it at last. */
        bool same_run = vm->state == VM_RUNNING_UNREGISTERED;
        int r;

        if (vm->machine && !same_run) {
                log_notice("VM %s is machine %s now, no longer %s.", vm->uuid, info->name, vm->machine);
                r = keep_aside(vm);
                if (r < 0)
                        return r;
        }
        other_machines_remove(vm, info->name);

        r = vm_set_machine(vm, info->name, info->unit, info->leader);
        if (r < 0)
                return r;

        /* A later machine can have the name of an earlier one. */
        if (!same_run)
                vm->viommu_noted = false;
        vm->machine_usec = info->usec;
        return reservation_begin(vm);
}

/* libvirt counts from 1 again when it is started anew, so the same name can be that of a later machine. */
static bool is_machine(const VM *vm, const MachineInfo *info) {
        return streq_ptr(vm->machine, info->name) && vm->machine_usec == info->usec;
}

void vm_machine_appeared(Control *control, const MachineInfo *info) {
        VM *vm = NULL, *present;
        bool known;
        int r;

        present = vm_find_by_uuid(&control->world, info->uuid);
        if (!(present && is_machine(present, info)) && is_of_user(control, info)) {
                log_debug("Machine %s runs in the session of a user, it goes by its unit.", info->name);
                return;
        }

        r = get_machine_vm(control, info, &vm);
        known = r >= 0 && is_machine(vm, info) && vm->place.cgroup;
        if (r >= 0 && !is_machine(vm, info)) {
                if (vm->machine && info->usec < vm->machine_usec) {
                        log_debug("Machine %s is older than %s, which is the VM.", info->name, vm->machine);
                        if (other_machines_add(vm, info, true) < 0)
                                log_oom();
                        /* Its unit can have been taken for a VM of its own while machined was away. */
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
        /* With its cgroup it got its quota. One that is in the list once more is looked at when that is complete, see
         * reconcile.h. */
        if (!known && !vm->place.cgroup)
                vm_apply(vm, NULL);
        vm_announce(vm);
}

/* Is there another one of its UUID? That is the VM now, and nothing else changes. */
static bool take_other_machine(VM *vm, const Caller *caller) {
        OtherMachine *other;
        int r;

        other = other_machines_take(vm);
        if (!other)
                return false;

        log_notice("Machine %s of VM %s has ended, %s is still there.", vm->machine, vm->uuid, other->name);
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

/* The machine is gone. The next start may have been announced already. */
static void machine_gone(VM *vm, const Caller *caller) {
        if (!take_other_machine(vm, caller))
                reservation_end(vm, caller);
}

void vm_machine_removed(Control *control, const char *machine) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                other_machines_remove(vm, machine);

        vm = vm_find_by_machine(&control->world, machine);
        /* A VM that was found without machined does not end with a machine of that name in machined. */
        if (!vm || vm->state == VM_RUNNING_UNREGISTERED)
                return;

        machine_gone(vm, NULL);
        /* A set outlives its machine when another process holds the container. */
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

        /* From the first one each time: where a machine takes over, units' VMs go. */
        while ((vm = find_unlisted(control))) {
                vm->in_list = true;
                machine_gone(vm, NULL);
        }
}

static VM *find_without_cgroup(Control *control, const char *unit) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                if (vm->machine && !vm->place.cgroup && streq_ptr(vm->place.unit, unit))
                        return vm;

        return NULL;
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
                /* Each changes the list of VMs. */
                while (!vm_find_by_cgroup(&control->world, unit_path) && find_one_unregistered(control))
                        ;
                return;
        }

        /* Users can name a unit of theirs like a machine's scope. */
        if (!unit_path_is_of_system(unit_path))
                return;

        /* Several machines can share a unit. From the first one each time: where a machine takes over, units' VMs go. */
        while ((vm = find_without_cgroup(control, unit))) {
                if (unit_path_is_below_user_slice(unit_path)) {
                        log_debug("Machine %s runs below user.slice, it goes by its unit.", vm->machine);
                        machine_gone(vm, NULL);
                        continue;
                }
                cgroup_known(vm, unit_path, NULL);
                if (!vm->place.cgroup)
                        return;
        }
}

/* It has a machine from now on, as with begin_running(), but one that machined will never speak of. */
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
        cgroup_known(vm, qemu.unit_path, caller);
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

        /* From the first one each time, because the end of one may be the end of others. */
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
                vm_remove(vm, other_machines_have_unit(vm->world, vm->place.unit) ? "it is a machine's"
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
