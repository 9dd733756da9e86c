/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "overrides.h"
#include "polkit.h"

/*
 * The queue of calls that change overrides (overrides.h) and must wait for an
 * earlier change.
 */

/*
 * To be called by a method handler when it knows the scope of the change, one key.
 * Returns 0 if the change can be made now; 1 if the call must wait, then handler
 * is called again later; else a negative errno with error set. Objects may have
 * disappeared meanwhile, so the handler must look them up again.
 */
int override_await_turn(Api *api, sd_bus_message *call, const Caller *caller, AuthorizedHandler handler,
        const OverrideScope *scope, sd_bus_error *error);

/*
 * Makes the change, then sends the reply or an error. The return value is that of
 * a method handler. To be called only if the function above has returned 0.
 */
int override_change(Api *api, sd_bus_message *call, const Caller *caller, sd_bus_message *reply,
        const OverrideChange *change);

/* The same two for a sorted list. Both take ownership of *list, except the first one if it returns 0. */
int override_await_turn_of_list(Api *api, sd_bus_message *call, const Caller *caller,
        AuthorizedHandler handler, OverrideList **list, sd_bus_error *error);
int override_change_list(
        Api *api, sd_bus_message *call, const Caller *caller, sd_bus_message *reply, OverrideList **list);

/* To be called when a change is done: continues the calls that waited for it. */
void override_queue_run(Api *api);

/* To be called when the daemon stops: refuses the waiting calls. */
void override_queue_stop(Api *api);

/* To be called when the connection to the bus is lost: drops the waiting calls. */
void override_queue_forget(Api *api);
