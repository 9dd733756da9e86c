/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"
#include "override-list.h"
#include "policy.h"
#include "polkit.h"

/*
 * Changes to overrides, from the caller's message to its answer:
 *
 *     plan -> persistent file, by the disk writer -> kernel, runtime file, memory -> answer
 *
 * While the disk is busy nothing has changed yet, so a save that fails leaves
 * nothing to undo, and whatever else happens meanwhile sees one consistent
 * state. Where the kernel refuses, the persistent file is written once more,
 * as it was, before the caller gets its error. What cannot be written then is
 * tried again until it can.
 *
 * One change to the persistent layer is under way at a time, so that neither a
 * failure nor an undo can touch another's. Further ones wait in order, as do
 * all changes of the key that is being changed. Changes to the runtime layer of
 * other keys do not wait: they touch no disk.
 */

/* Both layers as they are to be. Slices and the default have no watermarks; a slice's quota can be LIMIT_NONE. */
typedef struct OverrideChange {
        OverrideKind kind;
        const char *key;  /* of the VM, the name of the slice; "" for the default */
        const char *name; /* of the VM, for people; may be NULL */
        QuotaSetting runtime;
        QuotaSetting persistent;
} OverrideChange;

int override_queue_new(Manager *m);
/* Waits for what is being written, see disk_writer_free(). */
void override_queue_free(Manager *m);

/*
 * For a method handler to begin with, once it knows what it is about:
 * 0: its turn; 1: it has to wait, and handler is called again when its turn
 * comes; else a negative errno, with error set. persistent: it changes that
 * layer. Everything may have changed by then: look objects up again.
 */
int override_await_turn(Manager *m, sd_bus_message *call, AuthorizedHandler handler, OverrideKind kind,
        const char *key, bool persistent, sd_bus_error *error);

/*
 * Makes the change, then sends the reply, or an error to the call. Returns what
 * a method handler does. Needs a turn.
 */
int override_change(Manager *m, sd_bus_message *call, sd_bus_message *reply, const OverrideChange *change,
        sd_bus_error *error);

/* The same two for a list that is sorted. Both take *list over, unless the first one returns 0: then it is still needed. */
int override_await_turn_of_list(Manager *m, sd_bus_message *call, AuthorizedHandler handler,
        OverrideList **list, sd_bus_error *error);
int override_change_list(
        Manager *m, sd_bus_message *call, sd_bus_message *reply, OverrideList **list, sd_bus_error *error);

/* The bus is gone: nobody waits for an answer any more, and what has not begun is dropped. */
void override_forget_messages(Manager *m);

/* Is something on its way to the disk? */
bool override_is_busy(const Manager *m);

/*
 * The daemon is to stop: changes that wait are refused. Returns whether there
 * is nothing to wait for; if not the event loop ends when what is under way is
 * done, or after some seconds.
 */
bool override_stop(Manager *m);
