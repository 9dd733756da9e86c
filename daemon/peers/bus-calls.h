/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "macro.h"

/*
 * Method calls to machined and systemd. A bus lets one connection have only so
 * many calls open (128 with dbus-daemon) and fails what is above, so that these
 * are sent some at a time, in order; the rest waits here.
 */
typedef struct BusCalls BusCalls;
typedef struct BusCall BusCall;

/* How long machined and systemd may take to answer: the default of sd-bus. */
#define BUS_CALL_TIMEOUT_USEC (UINT64_C(25) * 1000000)

int bus_calls_new(sd_event *event, BusCalls **ret);
/* All calls must have been freed. */
BusCalls *bus_calls_free(BusCalls *calls);
DEFINE_CLEANUP_FUNC(BusCalls *, bus_calls_free, bus_calls_freep);

/* The connection that they go out on; NULL, once all calls have been freed: there is none. */
void bus_calls_set_bus(BusCalls *calls, sd_bus *bus);
sd_bus *bus_calls_get_bus(const BusCalls *calls);
sd_event *bus_calls_get_event(const BusCalls *calls);

/*
 * Takes a reference to message. The handler is called with the reply, once,
 * and frees the call as it would an sd_bus_slot; freeing it before cancels it.
 * Returns 0 or a negative errno: -ENOTCONN without a connection.
 */
int bus_call(BusCalls *calls, sd_bus_message *message, sd_bus_message_handler_t handler, void *userdata,
        BusCall **ret);
BusCall *bus_call_free(BusCall *call);
