/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "output.h"

/*
 * An event is an object with "time" and "event" in front, then, where it is
 * about a VM, "uuid" and "name", then whatever belongs to it.
 */

/* The time in RFC 3339 with microseconds and offset. NULL when out of memory. */
json_object *event_time_json(uint64_t usec);

/* " key=value …" of all members, without the blank in front. To be freed; NULL when out of memory. */
char *event_details_text(json_object *details);

/* usec: microseconds since the epoch. NULL when out of memory. */
json_object *event_new(uint64_t usec, const char *event);

/*
 * Adds the arguments of a Manager signal, an array, under their names. More of
 * them than this version knows names for are added as "arg7" and so on. Returns
 * 0 or -ENOMEM.
 */
int event_add_arguments(json_object *event, const char *signal, json_object *arguments);

/*
 * "TIME EVENT NAME uuid=… key=value…", without "path" and without line end. The
 * members of objects stand for themselves. To be freed; NULL when out of memory.
 */
char *event_text(json_object *event);
