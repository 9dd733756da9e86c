/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "output.h"

/*
 * An event is an object with "time" and "event", then "uuid" and "name" if it is
 * about a VM, then its details.
 */

/* The time in RFC 3339 with microseconds and offset. NULL when out of memory. */
json_object *event_time_json(uint64_t usec);

/* Formats all members as "key=value …". The caller frees the result. NULL when out of memory. */
char *event_details_text(json_object *details);

/* usec: microseconds since the epoch. NULL when out of memory. */
json_object *event_new(uint64_t usec, const char *event);

/*
 * Adds the arguments of a Manager signal, an array, under their names. Arguments
 * without a known name are added as "arg7" and so on. Returns 0 or -ENOMEM.
 */
int event_add_arguments(json_object *event, const char *signal, json_object *arguments);

/*
 * Formats "TIME EVENT NAME uuid=… key=value…", without "path" and without a
 * newline. Members of nested objects are printed like the event's own members.
 * The caller frees the result. NULL when out of memory.
 */
char *event_text(json_object *event);
