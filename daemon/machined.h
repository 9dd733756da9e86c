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

/* Asks for the list again, if machined runs. manager_machines_known() is called when that is done. */
void machined_list_again(Machined *d);

/* Is it being asked for the properties of a machine? */
bool machined_is_asking(const Machined *d);

/* Asks whether a process belongs to a machine. *ret as with bus_call(); the reply is for the function below. */
int machined_ask_pid(
        Machined *d, uint32_t pid, sd_bus_message_handler_t handler, void *userdata, BusCall **ret);

/*
 * 1 or 0; a negative errno when machined could not answer. It is asked for its
 * list again then, and manager_machines_known() is called with that.
 */
int machined_read_pid(Machined *d, sd_bus_message *reply);
