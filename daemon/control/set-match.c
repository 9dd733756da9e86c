/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "boot-seed.h"
#include "cgroup-index.h"
#include "cgroup-path.h"
#include "cgroup.h"
#include "early-limit.h"
#include "log.h"
#include "machined.h"
#include "proc.h"
#include "set-join.h"
#include "set-life.h"
#include "set-match.h"
#include "unit-id.h"
#include "unit-path.h"
#include "vm-life.h"
#include "vm-limits.h"
#include "vm-lookup.h"
#include "vm-machine.h"
#include "vm-place.h"

struct Matching {
        BootSeed seed;
        sd_event_source *retry; /* timer; set if systemd did not answer */
        unsigned n_passes;      /* nesting depth of set_match_waiting() */
        CgroupIndex *index;     /* during a pass */
};

int matching_new(Matching **ret) {
        Matching *matching;

        matching = calloc(1, sizeof(*matching));
        if (!matching)
                return -ENOMEM;

        *ret = matching;
        return 0;
}

Matching *matching_free(Matching *matching) {
        if (!matching)
                return NULL;

        sd_event_source_disable_unref(matching->retry);
        cgroup_index_free(matching->index);
        free(matching);
        return NULL;
}

#define RETRY_USEC (UINT64_C(2000000))

/* To be called at the end of each step. A set without a VM and without a pending question waits. */
static void finish_step(Set *set) {
        if (set->search->question)
                return;

        if (!set->vm)
                set_forget_question(set);
        if (set->search->control->matching->n_passes == 0)
                world_queue_changes(set->world, 0);
}

static int index_cgroups(Control *control) {
        _cleanup_(cgroup_index_freep) CgroupIndex *index = NULL;
        VM *vm;
        int r;

        r = cgroup_index_new(&index);
        if (r < 0)
                return r;

        /* Skip users' units: a user can create any number of cgroups below them. */
        TAILQ_FOREACH (vm, &control->world.vms, entries)
                if (vm->place.cgroup && unit_path_is_of_system(vm->place.cgroup) &&
                        !unit_path_is_below_user_slice(vm->place.cgroup)) {
                        r = cgroup_index_add(index, control->root, vm->place.cgroup);
                        if (r < 0)
                                return r;
                }

        control->matching->index = TAKE_PTR(index);
        return 0;
}

/* Finds the VM by the cgroup in which the set was created, wherever its process is now. */
static VM *find_by_cgroup_id(const Set *set) {
        Control *control = set->search->control;
        const char *unit_path;
        VM *vm = NULL;
        int r;

        if (!control->matching->index) {
                r = index_cgroups(control);
                if (r < 0) {
                        log_debug_errno(r, "Cannot index cgroups by their ids, ignoring: %m");
                        return NULL;
                }
        }

        unit_path = cgroup_index_find(control->matching->index, set->kernel.cgroup_id);
        if (unit_path)
                vm = vm_find_in_unit(control, unit_path, set->kernel.tgid, NULL);

        if (control->matching->n_passes == 0)
                control->matching->index = cgroup_index_free(control->matching->index);
        return vm;
}

static int on_match_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Control *control = userdata;

        control->matching->retry = sd_event_source_disable_unref(control->matching->retry);
        /* Without a bus, sets are matched with the next connection. */
        if (bus_calls_get_bus(control->peers.calls))
                set_match_waiting(control);
        return 0;
}

/* Retries after systemd did not answer. There is no signal when systemd is no longer busy. */
static void match_later(Control *control) {
        int r;

        if (control->matching->retry)
                return;

        r = sd_event_add_time_relative(control->event, &control->matching->retry, CLOCK_MONOTONIC, RETRY_USEC,
                RETRY_USEC / 10, on_match_retry, control);
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
        else
                (void) sd_event_source_set_description(control->matching->retry, "set-match-retry");
}

static void on_invocation_id(QuestionResult result, const sd_id128_t *id, void *userdata) {
        Set *set = userdata;
        char uuid[UUID_STRING_SIZE];

        if (id)
                (void) sd_id128_to_uuid_string(*id, uuid);

        set->search->question = question_free(set->search->question);
        if (result == QUESTION_UNANSWERED) {
                match_later(set->search->control);
                finish_step(set);
                return;
        }

        set_join_unit(set, &set->search->control->matching->seed, result == QUESTION_YES ? uuid : NULL);
        finish_step(set);
}

/*
 * The set does not belong to a machine: matches it to its unit. The unit's
 * InvocationID is an attribute of its cgroup; if not, systemd is asked. Units of
 * users have no reliable InvocationID, and their names may equal those of system
 * units.
 */
static void match_unit(Set *set) {
        char uuid[UUID_STRING_SIZE];
        sd_id128_t id;
        int r;

        if (!unit_path_is_of_system(set->search->unit_path)) {
                set_join_unit(set, &set->search->control->matching->seed, NULL);
                return;
        }

        if (cgroup_get_invocation_id(set->search->control->root, set->search->unit_path, &id) >= 0) {
                (void) sd_id128_to_uuid_string(id, uuid);
                set_join_unit(set, &set->search->control->matching->seed, uuid);
                return;
        }

        r = unit_ask_invocation_id(set->search->control->peers.calls, set->search->unit, on_invocation_id,
                set, &set->search->question);
        /* Without a bus, the set waits for the next connection. */
        if (r < 0 && r != -ENOTCONN)
                set_join_unit(set, &set->search->control->matching->seed, NULL);
}

static void on_machine(QuestionResult result, const sd_id128_t *id, void *userdata) {
        Set *set = userdata;
        Control *control = set->search->control;
        VM *vm;

        set->search->question = question_free(set->search->question);

        vm_machine_claim_cgroup(control, set->search->unit, set->search->unit_path);
        vm = vm_find_in_unit(control, set->search->unit_path, set->kernel.tgid, NULL);

        /* If the machine's properties are still pending, the set is matched when they have arrived. */
        if (vm)
                set_join(set, vm);
        else if (result == QUESTION_NO ||
                 (result == QUESTION_YES && !machined_is_busy(control->peers.machined)))
                match_unit(set);

        finish_step(set);
}

/*
 * Asks whether the unit belongs to a machine that has not been announced yet.
 * machined sends MachineNew before it lets the machine's processes run, so when
 * this question is answered, all earlier announcements have been received.
 */
static void ask_for_machine(Set *set) {
        Control *control = set->search->control;

        /* Users' processes never belong to a machine. Users must not be able to delay the match by registering one. */
        if (!unit_path_is_of_system(set->search->unit_path) ||
                unit_path_is_below_user_slice(set->search->unit_path)) {
                if (control->world.machines != MACHINES_UNKNOWN)
                        match_unit(set);
                return;
        }

        early_limit_apply_set(control, set, set->search->unit, set->search->unit_path);
        if (control->world.machines == MACHINES_LISTED &&
                machined_ask_pid(control->peers.machined, set->kernel.tgid, on_machine, set,
                        &set->search->question) >= 0)
                return;

        if (control->world.machines != MACHINES_UNKNOWN &&
                strncmp(set->search->unit, "machine-", strlen("machine-")) != 0)
                match_unit(set);
}

/* A unit that was restarted is a different VM, even if its cgroup stayed. */
static VM *find_current(const Set *set) {
        const char *unit_path = set->search->unit_path;
        char uuid[UUID_STRING_SIZE];
        Control *control = set->search->control;
        sd_id128_t id;
        VM *vm;

        vm = vm_find_in_unit(control, unit_path, set->kernel.tgid, NULL);
        if (!vm || vm->kind != VM_KIND_UNIT || vm->n_sets > 0 || !unit_path_is_of_system(unit_path) ||
                cgroup_get_invocation_id(control->root, unit_path, &id) < 0 ||
                streq(sd_id128_to_uuid_string(id, uuid), vm->uuid))
                return vm;

        vm_remove(vm, "its unit was restarted");
        return NULL;
}

void set_match(Set *set) {
        _cleanup_free_ char *cgroup = NULL;
        Control *control = set->search->control;
        bool moved = true;
        uint64_t id;
        VM *vm = NULL;
        int r;

        if (set->vm || set->match == SET_MATCH_ASKING)
                return;
        /* At the start the list of machines is still pending, so there are no VMs to match. */
        if (!control->world.ready && control->world.machines == MACHINES_UNKNOWN)
                return;
        set_forget_question(set);
        set->match = SET_MATCH_ASKING;

        r = proc_get_cgroup(control->root, (pid_t) set->kernel.tgid, set->kernel.start_time, &cgroup);
        if (r < 0)
                log_debug_errno(r, "Cannot find the process of set %" PRIu64 ": %m", set->kernel.id);
        else
                moved = set->kernel.cgroup_id != 0 &&
                        (cgroup_get_id(control->root, cgroup, &id) < 0 || id != set->kernel.cgroup_id);

        if (moved && set->kernel.cgroup_id != 0)
                vm = find_by_cgroup_id(set);
        if (!vm && cgroup && cgroup_path_get_unit(cgroup, &set->search->unit, &set->search->unit_path) >= 0) {
                vm_machine_claim_cgroup(control, set->search->unit, set->search->unit_path);
                vm = find_current(set);
        }

        if (vm)
                set_join(set, vm);
        else if (set->search->unit)
                ask_for_machine(set);
        else if (control->world.machines != MACHINES_UNKNOWN)
                set_join_own_vm(set, &control->matching->seed);

        finish_step(set);
}

void set_match_waiting(Control *control) {
        Set *set;

        /* The cgroups are indexed once for all sets. */
        control->matching->n_passes++;
        TAILQ_FOREACH (set, &control->world.sets, entries)
                if (!set->vm && set->match == SET_MATCH_WAITING)
                        set_match(set);
        if (--control->matching->n_passes == 0) {
                control->matching->index = cgroup_index_free(control->matching->index);
                world_queue_changes(&control->world, 0);
        }
}

/* Moves sets of a VM in the same cgroup that belong to the machine. */
static void take_sets(VM *machine, VM *vm) {
        Set *set, *next;

        for (set = TAILQ_FIRST(&vm->sets); set; set = next) {
                next = TAILQ_NEXT(set, of_vm);
                if (vm->kind == VM_KIND_MACHINE &&
                        vm_find_in_unit(machine->life->control, machine->place.cgroup, set->kernel.tgid,
                                NULL) != machine)
                        continue;

                vm_remove_set(vm, set);
                set_join(set, machine);
        }
        if (vm->kind == VM_KIND_MACHINE)
                vm_update_enforcement(vm);
}

void set_match_adopt(VM *machine) {
        Control *control = machine->life->control;
        VM *vm, *next;

        for (vm = vm_first_in_cgroup(&control->world, machine->place.cgroup); vm; vm = next) {
                next = vm_next_in_cgroup(vm);
                if (vm == machine)
                        continue;

                take_sets(machine, vm);
                if (vm->kind == VM_KIND_MACHINE)
                        continue;

                machine->gone.denied += vm->gone.denied;
                machine->gone.peak += vm->gone.peak;
                vm_remove(vm, "it belongs to a machine");
        }

        /* While the list of machines is processed, wait for its end and match all sets at once. */
        if (control->world.machines != MACHINES_UNKNOWN)
                set_match_waiting(control);
}
