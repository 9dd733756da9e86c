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
 * While the disk is busy nothing has changed yet, so a save that fails leaves
 * nothing to undo, and whatever else happens meanwhile sees one consistent
 * state. Where the kernel refuses, the persistent layer is written once more,
 * as it was, before the caller gets its error. What cannot be written then is
 * tried again until it can.
 *
 * One change to the persistent layer is under way at a time, so that neither a
 * failure nor an undo can touch another's. All changes of the key that is being
 * changed have to wait as well. Changes to the runtime layer of other keys need
 * not wait: they touch no disk.
 */
typedef struct Overrides Overrides;

int overrides_new(Control *control, Overrides **ret);
/* Waits for what is being written, see disk_writer_free(). The handler of a change that is under way is called. */
Overrides *overrides_free(Overrides *overrides);

/* Has such a change to wait for the one that is under way? handlers->overrides_idle() is called when that has ended. */
bool overrides_block(const Overrides *overrides, const OverrideScope *scope);

/* What became of a change. text: why not, a sentence; NULL with OVERRIDE_DONE */
typedef void (*OverrideHandler)(OverrideResult result, const char *text, void *userdata);

/*
 * Makes a change that is not blocked: the only way to change overrides. Takes *list, which is sorted, over. caller: who asked
 * for it; copied; NULL: nobody. The handler is called once, maybe before this returns, and is so where the persistent layer
 * stays as it is.
 */
void overrides_change(Overrides *overrides, OverrideList **list, const Caller *caller,
        OverrideHandler handler, void *userdata);

/* Is something on its way to the disk? */
bool overrides_are_busy(const Overrides *overrides);

/*
 * The daemon is to stop. Returns whether there is nothing to wait for; if not
 * the event loop ends when what is under way is done, or after some seconds.
 */
bool overrides_stop(Overrides *overrides);
bool overrides_are_stopping(const Overrides *overrides);
