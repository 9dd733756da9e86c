/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "caller.h"
#include "vm.h"

/*
 * Authorization of every method that changes something. root is always
 * authorized; for other users polkit is asked asynchronously. Without polkit,
 * without an answer, or after an error, access is denied.
 */

/*
 * Called with the message rewound when the sender, the caller, is authorized. The return value
 * has the same meaning as that of a method handler of sd-bus. Objects may have
 * disappeared since the call arrived, so the handler must look them up again.
 */
typedef int (*AuthorizedHandler)(
        sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error);

/*
 * To be returned by the method handler. details: key, value, …, NULL, which are
 * shown to the user and to polkit's rules; may be NULL.
 */
int polkit_authorize(Api *api, sd_bus_message *message, const char *action, const char *const *details,
        AuthorizedHandler handler, sd_bus_error *error);

/*
 * To be called when a caller has left the bus: drops its pending requests, except
 * those that need neither a reply nor the user's password.
 */
void polkit_caller_gone(Api *api, const char *name);

/*
 * For the handler of a method about a VM, after it has looked up the VM (NULL:
 * none): is it the VM that polkit authorized? It may have appeared, disappeared,
 * or changed its name meanwhile. Returns 0, or a negative errno with the error
 * set.
 */
int polkit_check_vm(const Caller *caller, const VM *vm, sd_bus_error *error);

/* To be called when the connection to the bus is lost: drops all pending requests. */
void polkit_forget_requests(Api *api);
