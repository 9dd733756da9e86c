/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "overrides.h"
#include "polkit.h"

/*
 * Calls that change overrides (overrides.h): those that have to wait for what
 * is under way do so here, in order, and each gets its answer.
 */

/*
 * For a method handler to begin with, once it knows what it is about:
 * 0: its turn; 1: it has to wait, and handler is called again when its turn
 * comes; else a negative errno, with error set. scope: of one key. Everything
 * may have changed by then: look objects up again.
 */
int override_await_turn(Api *api, sd_bus_message *call, const Caller *caller, AuthorizedHandler handler,
        const OverrideScope *scope, sd_bus_error *error);

/*
 * Makes the change, then sends the reply, or an error to the call. Returns what
 * a method handler does. Needs a turn.
 */
int override_change(Api *api, sd_bus_message *call, const Caller *caller, sd_bus_message *reply,
        const OverrideChange *change);

/* The same two for a list that is sorted. Both take *list over, unless the first one returns 0: then it is still needed. */
int override_await_turn_of_list(Api *api, sd_bus_message *call, const Caller *caller,
        AuthorizedHandler handler, OverrideList **list, sd_bus_error *error);
int override_change_list(
        Api *api, sd_bus_message *call, const Caller *caller, sd_bus_message *reply, OverrideList **list);

/* What was under way has ended: those that have waited for it have their turn. */
void override_queue_run(Api *api);

/* The daemon is to stop: calls that wait are refused. */
void override_queue_stop(Api *api);

/* The bus is gone: nobody waits for an answer any more, and what has not begun is dropped. */
void override_queue_forget(Api *api);
