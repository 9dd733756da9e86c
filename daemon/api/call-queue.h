/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "callers.h"

/*
 * A filter for every call on the bus, which runs before sd-bus looks for the
 * handler. A call proceeds when its caller is known and, unless that is root,
 * when the caller's user has time left in its budget (callers.h). Until then it
 * is held. Calls of one connection keep their order. If too many calls are held,
 * or too many replies are unread, calls are refused with LimitsExceeded.
 */

/* Adds the filter to api->bus; api->callers must exist. Returns 0 or a negative errno. */
int call_queue_add(Api *api);

/* The next three are for CallersHandlers. */

/* Resumes the connection's held calls. */
void call_queue_caller_known(CallerConnection *connection);
/* Refuses the held calls of a connection for which there is no place. */
void call_queue_refuse(CallerConnection *connection);
/* Drops all held calls of a connection. */
void call_queue_forget(CallerConnection *connection);
