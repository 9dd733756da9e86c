/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "output.h"

/*
 * Converts the next value of a message, of any type, to JSON: structures and
 * arrays become arrays, dictionaries become objects. Returns 0, -ENODATA at the
 * end of the message or the container, or another negative errno.
 */
int bus_read_json(sd_bus_message *m, json_object **ret);

/* Converts the remaining values of the message or the container to an array. Returns 0 or a negative errno. */
int bus_read_json_rest(sd_bus_message *m, json_object **ret);
