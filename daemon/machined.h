/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/*
 * Machines as systemd-machined has them: the list at first and whenever
 * machined comes back, then what it announces. Never waits for it, and does
 * not wake it when it has gone for lack of machines.
 */

/* For a bus that has just been connected to. Results go to vm-machine.h and manager_machines_known(). */
int machined_new(Manager *m, Machined **ret);
Machined *machined_free(Machined *d);

/* Is it being asked for the properties of a machine? */
bool machined_is_asking(const Machined *d);

/*
 * Does the process belong to a machine? The handler is called with the answer,
 * unless *ret_slot was unreferenced before. Errors count as no.
 */
typedef void (*MachinedPidHandler)(bool is_machine, void *userdata);
int machined_ask_pid(
        Machined *d, uint32_t pid, MachinedPidHandler handler, void *userdata, sd_bus_slot **ret_slot);
