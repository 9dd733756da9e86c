/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "override-list.h"

/*
 * Changes to overrides:
 *
 *     plan -> persistent layer, by the disk writer -> kernel, runtime layer, memory -> answer
 *
 * Nothing has changed while the disk is busy, so a failed save needs no undo. If
 * the kernel refuses, the persistent layer is restored before the caller gets the
 * error. Files that cannot be restored then are retried until they can.
 *
 * One change to the persistent layer is in progress at a time. Changes of the same
 * key wait as well. Changes to the runtime layer of other keys do not wait: they
 * do not use the disk.
 */
typedef struct Overrides Overrides;

int overrides_new(Control *control, Overrides **ret);
/* Waits for the write in progress, see disk_writer_free(), and calls the handler of its change. */
Overrides *overrides_free(Overrides *overrides);

/* Must such a change wait for the one in progress? handlers->overrides_idle() is called when that is done. */
bool overrides_block(const Overrides *overrides, const OverrideScope *scope);

/* The result of a change. text: the reason of a failure, a sentence; NULL with OVERRIDE_DONE */
typedef void (*OverrideHandler)(OverrideResult result, const char *text, void *userdata);

/*
 * Makes a change that is not blocked: the only function that changes overrides. Takes ownership of *list, which must be sorted.
 * caller: who asked for it, copied; NULL: nobody. The handler is called once; before this returns, if the persistent layer does
 * not change.
 */
void overrides_change(Overrides *overrides, OverrideList **list, const Caller *caller,
        OverrideHandler handler, void *userdata);

/* Is a write to the disk in progress? */
bool overrides_are_busy(const Overrides *overrides);

/*
 * To be called when the daemon stops. Returns true if no write is in progress.
 * Otherwise the event loop ends when the write is done, or after some seconds.
 */
bool overrides_stop(Overrides *overrides);
bool overrides_are_stopping(const Overrides *overrides);
