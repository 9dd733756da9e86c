/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "macro.h"

/*
 * Method calls to machined and systemd. A bus limits the number of open calls of
 * one connection (128 with dbus-daemon) and fails calls above that. So only some
 * calls are sent at a time, in order; the others wait here.
 */
typedef struct BusCalls BusCalls;
typedef struct BusCall BusCall;

/* Time limit for an answer: the default of sd-bus. */
#define BUS_CALL_TIMEOUT_USEC (UINT64_C(25) * 1000000)

/* Returns 0 or -ENOMEM. */
int bus_calls_new(sd_event *event, BusCalls **ret);
/* All calls must have been freed. */
BusCalls *bus_calls_free(BusCalls *calls);
DEFINE_CLEANUP_FUNC(BusCalls *, bus_calls_free, bus_calls_freep);

/* Sets the connection to send calls on. NULL: not connected; all calls must have been freed. */
void bus_calls_set_bus(BusCalls *calls, sd_bus *bus);
sd_bus *bus_calls_get_bus(const BusCalls *calls);
sd_event *bus_calls_get_event(const BusCalls *calls);

/*
 * Sends a method call, or queues it. Takes a reference to message. The handler
 * is called once with the reply, and must free the call. Freeing the call before
 * that cancels it. Returns 0 or a negative errno: -ENOTCONN without a connection.
 */
int bus_call(BusCalls *calls, sd_bus_message *message, sd_bus_message_handler_t handler, void *userdata,
        BusCall **ret);
BusCall *bus_call_free(BusCall *call);
