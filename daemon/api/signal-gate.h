/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * May a signal be broadcast? dbus-daemon keeps what a listener does not read,
 * and counts it for the sender; above 127 MiB it takes nothing more from the
 * sender, and nobody gets an answer. Whoever only listens is not known to the
 * daemon. So the bus is asked from time to time how much of the daemon's it
 * keeps. While that is too much, or the bus does not take what the daemon
 * sends, signals are left out, for everybody. Afterwards it tells which objects
 * have ended, which are new, and all properties of the others; events that
 * happened in between (QuotaExceeded and the like) are only in the log.
 */

/* For the next signal. */
bool signal_gate_is_open(Api *api);

/*
 * For one signal of very many: not while half of what may wait for the bus
 * waits. world_queue_changes() is called then when it is time to go on. True
 * while the gate is closed.
 */
bool signal_gate_has_room(Api *api);

/* An object ended and signal_gate_is_open() said no: it is told later. Of very many, some are not. */
void signal_gate_vm_removed(Api *api, const char *path, bool is_machine);

/* Once signals are sent again: the path of one of these, in any order, for the caller to free; NULL: there is none left. */
char *signal_gate_take_removed(Api *api);

/* The bus is gone, with all that it kept. */
void signal_gate_reset(Api *api);
