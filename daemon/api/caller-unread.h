/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "callers.h"

/* What the connections of a user have not read yet of what they were sent. */

/*
 * Before bytes are sent to a connection: may its user have so many more that
 * are not read yet? Then counts them. What a connection has read is known when
 * it answers a Ping that was sent after that, or when it is gone.
 */
bool caller_unread_charge(CallerConnection *connection, uint64_t bytes);
/* The same for an error that says so. When there is no room for that either, nothing can be said. */
bool caller_unread_charge_refusal(CallerConnection *connection, uint64_t bytes);

/* The connection ends: it has nothing unread any more. */
void caller_unread_end(CallerConnection *connection);
