/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "macro.h"

/* Maximum size of an error message, including the NUL. Callers' strings that it quotes can have 1 MiB. */
#define BUS_ERROR_TEXT_MAX 1024U

/*
 * As sd_bus_error_setf, but a longer message is cut at a character boundary
 * and ends in "...": the bus stores unread messages, and the callers' shares
 * (callers.h) assume short errors. Returns the negative errno that corresponds to
 * the name.
 */
int bus_error_setf(sd_bus_error *error, const char *name, const char *format, ...) _printf_(3, 4);
