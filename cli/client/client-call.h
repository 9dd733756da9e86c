/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

/* For the other files of client/. */

typedef struct ClientMethod {
        const char *path;
        const char *interface;
        const char *member;
        bool options; /* takes an a{sv} of them */
} ClientMethod;

/* A method of the daemon's own interfaces: of the VM with that path, or of the Manager if path is NULL. */
ClientMethod client_own_method(const char *path, const char *member, bool options);

/* Calls a method of any interface, as client_call(). */
CtlExitStatus client_call_method(
        const Client *client, const ClientMethod *method, sd_bus_message **ret_reply, const char *types, ...);

/*
 * The same, but prints nothing. Returns a negative errno when the call failed. *ret_error is then set, to be freed, unless the
 * message could not even be made.
 */
int client_try_method(const Client *client, const ClientMethod *method, sd_bus_error *ret_error,
        sd_bus_message **ret_reply, const char *types, ...);
