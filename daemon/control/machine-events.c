/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "early-limit.h"
#include "log.h"
#include "machine-events.h"
#include "machined.h"
#include "reconcile.h"
#include "set-match.h"
#include "vm-machine.h"
#include "vm-reserve.h"

void machine_events_set_state(Control *control, MachinesState state) {
        control->world.machines = state;
        set_match_waiting(control);
        world_queue_changes(&control->world, 0);
        reconcile_machines_complete(control);
}

static void on_list_requested(void *userdata) {
        early_limits_expect_machines(userdata);
}

static void on_begin(void *userdata) {
        vm_machines_begin(userdata);
}

static void on_end(void *userdata) {
        vm_machines_end(userdata);
        vm_reservations_check(userdata);
        set_match_waiting(userdata);
        early_limits_withdraw_unexpected(userdata);
        machine_events_set_state(userdata, MACHINES_LISTED);
}

static void on_appeared(const MachineInfo *info, void *userdata) {
        vm_machine_appeared(userdata, info);
}

static void on_removed(const char *machine, void *userdata) {
        vm_machine_removed(userdata, machine);
}

static void on_not_vm(const char *unit, void *userdata) {
        early_limit_withdraw(userdata, unit);
}

/* Sets of machines that are not VMs have waited for this. */
static void on_idle(void *userdata) {
        set_match_waiting(userdata);
}

static void on_absent(void *userdata) {
        Control *control = userdata;

        if (control->world.machines != MACHINES_LISTED)
                log_info("systemd-machined is not available, identifying VMs by their units only.");
        machine_events_set_state(control, MACHINES_LISTED);
}

static void on_unavailable(void *userdata) {
        machine_events_set_state(userdata, MACHINES_UNAVAILABLE);
}

static void on_back(void *userdata) {
        reconcile_begin(userdata, "systemd-machined is back");
}

int machine_events_start(Control *control) {
        static const MachinedHandlers handlers = {
                .list_requested = on_list_requested,
                .begin = on_begin,
                .end = on_end,
                .appeared = on_appeared,
                .removed = on_removed,
                .not_vm = on_not_vm,
                .idle = on_idle,
                .absent = on_absent,
                .unavailable = on_unavailable,
                .back = on_back,
        };

        return machined_new(control->peers.calls, &handlers, control, &control->peers.machined);
}
