/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * Decides whether signals may be broadcast. dbus-daemon stores messages that a
 * listener does not read, and counts them for the sender; above 127 MiB it does
 * not read from the sender any more, and then no caller gets a reply. The daemon
 * does not know its listeners, so it asks the bus from time to time how much of
 * the daemon's messages it stores. While that is too much, or while the bus does
 * not take messages, all signals are suspended. Afterwards the daemon announces
 * removed and new objects, and all properties of the others. Events that happened
 * in between (QuotaExceeded etc.) are only in the event log.
 */

/* May the next signal be sent? */
bool signal_gate_is_open(Api *api);

/*
 * For a signal that is one of many: is the queue less than half full? If not,
 * world_queue_changes() is called when it is time to continue. Also true while
 * the gate is closed.
 */
bool signal_gate_has_room(Api *api);

/*
 * To be called if an object was removed and signal_gate_is_open() returned false: stores the removal for later, up to
 * a limit.
 */
void signal_gate_vm_removed(Api *api, const char *path, bool is_machine);

/* When signals are sent again: returns the path of one of these objects, or NULL. The caller frees it. */
char *signal_gate_take_removed(Api *api);

/* To be called when the connection to the bus is lost, and the stored messages with it. */
void signal_gate_reset(Api *api);
