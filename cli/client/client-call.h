/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

/* Internal to client/. */

typedef struct ClientMethod {
        const char *path;
        const char *interface;
        const char *member;
        bool options; /* the method has an a{sv} of options */
} ClientMethod;

/* A method of the daemon's interfaces: of the VM with this path, or of the Manager if path is NULL. */
ClientMethod client_own_method(const char *path, const char *member, bool options);

/* Like client_call(), for a method of any interface. */
CtlExitStatus client_call_method(
        const Client *client, const ClientMethod *method, sd_bus_message **ret_reply, const char *types, ...);

/*
 * The same, but prints nothing. Returns a negative errno when the call failed. *ret_error is then set,
 * unless the message could not be created; the caller frees it. */
int client_try_method(const Client *client, const ClientMethod *method, sd_bus_error *ret_error,
        sd_bus_message **ret_reply, const char *types, ...);
