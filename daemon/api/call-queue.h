/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "callers.h"

/*
 * Every call on the bus passes through here before sd-bus looks for its
 * handler. A call goes on once its caller is known, and, unless that is root,
 * once the caller's user has time left in its budget (callers.h). Until then
 * it is held; of the calls of one connection none overtakes another. When
 * there is too much to hold, or too many answers are not read, calls are
 * refused with LimitsExceeded.
 */

/* For api->bus, of which api->callers exists. Returns 0 or a negative errno. */
int call_queue_add(Api *api);

/* For CallersHandlers. */

/* The connection's held calls may go on. */
void call_queue_caller_known(CallerConnection *connection);
/* There is no room for the connection, whose user is not known: refuses its held calls. */
void call_queue_refuse(CallerConnection *connection);
/* Forgets all held calls of a connection. */
void call_queue_forget(CallerConnection *connection);
