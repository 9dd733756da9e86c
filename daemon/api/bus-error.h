/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "macro.h"

/* Bytes of an error's text, its end included. What is quoted in it is often the caller's, who may send 1 MiB. */
#define BUS_ERROR_TEXT_MAX 1024U

/*
 * As sd_bus_error_setf does, but a text that is longer is cut at the end of a
 * character and ends in "...": the bus keeps what a caller does not read, and
 * the callers' shares (callers.h) reckon with short errors. Returns the
 * negative errno that goes with the name.
 */
int bus_error_setf(sd_bus_error *error, const char *name, const char *format, ...) _printf_(3, 4);
