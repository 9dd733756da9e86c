/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/* Properties of a method call that are known before it is handled. */

/* Can the call change anything? If not, and if it expects no reply, it need not be handled. */
bool call_changes_something(sd_bus_message *call);

/* Maximum size of its arguments in bytes, as measured by call_check_size(). */
size_t call_size_max(sd_bus_message *call);

/* The number of places that it takes in queues: its maximum size in units of CALL_ARGUMENTS_SIZE_MAX. */
size_t call_places(sd_bus_message *call);

/*
 * Estimate of the maximum size of the reply in bytes. The bus stores a reply
 * until the receiver reads it.
 */
uint64_t call_reply_size(Api *api, sd_bus_message *call);

/*
 * Measures the arguments of a call, see call-limits.h. Returns 0; -E2BIG with the
 * error set if they are too large; or another negative errno. The caller must
 * rewind the message afterwards.
 */
int call_check_size(sd_bus_message *message, size_t *ret_size, sd_bus_error *error);
