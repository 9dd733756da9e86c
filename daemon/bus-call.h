/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/*
 * Method calls to machined and systemd. A bus lets one connection have only so
 * many calls open (128 with dbus-daemon) and fails what is above, so that these
 * are sent some at a time, in order; the rest waits here.
 */

/* How long machined and systemd may take to answer: the default of sd-bus. */
#define BUS_CALL_TIMEOUT_USEC (UINT64_C(25) * 1000000)

/*
 * Takes a reference to message. The handler is called with the reply, once,
 * and frees the call as it would an sd_bus_slot; freeing it before cancels it.
 * Returns 0 or a negative errno.
 */
int bus_call(
        Manager *m, sd_bus_message *message, sd_bus_message_handler_t handler, void *userdata, BusCall **ret);
BusCall *bus_call_free(BusCall *call);

/* Was a call not answered, as opposed to answered with an error? */
bool bus_error_is_no_answer(const sd_bus_error *error);

/* Did a call fail because nobody owns the well-known name that it was sent to? */
bool bus_error_is_no_service(const sd_bus_error *error);
