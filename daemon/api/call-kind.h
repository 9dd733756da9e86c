/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/* What is known of a method call before it is handled. */

/* Can the call change anything? A call that cannot, and expects no reply, is nothing to work on. */
bool call_changes_something(sd_bus_message *call);

/* How many bytes its arguments may take, measured as call_check_size() does. */
size_t call_size_max(sd_bus_message *call);

/* The same as a multiple of what most calls may take: how many of them it counts for, where calls are kept. */
size_t call_places(sd_bus_message *call);

/*
 * About the most bytes that the answer can take. An answer stays in the bus's
 * memory until its receiver reads it.
 */
uint64_t call_reply_size(Api *api, sd_bus_message *call);

/*
 * How many bytes the arguments of a call take, see call-limits.h. -E2BIG, with
 * the error set, when that is more than the daemon keeps. Rewind the message
 * after it.
 */
int call_check_size(sd_bus_message *message, size_t *ret_size, sd_bus_error *error);
