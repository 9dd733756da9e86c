/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "caller.h"
#include "vm.h"

/*
 * Every method that changes something goes through here, and nowhere else is
 * it decided who may. root may; for others polkit decides, asked without
 * waiting. No polkit, no answer, an error: no.
 */

/*
 * Called with the message rewound once its sender, the caller, is authorised.
 * What it returns is handled as with a method handler of sd-bus. Objects may
 * have gone since the call came in: look them up again.
 */
typedef int (*AuthorizedHandler)(
        sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error);

/*
 * For the method handler to return. details: key, value, …, NULL: shown to
 * the user and to polkit's rules; may be NULL.
 */
int polkit_authorize(Api *api, sd_bus_message *message, const char *action, const char *const *details,
        AuthorizedHandler handler, sd_bus_error *error);

/*
 * A caller has left the bus: what it waited for is not done any more, and no
 * user is asked on its behalf. Only what needs neither a reply nor a user goes on.
 */
void polkit_caller_gone(Api *api, const char *name);

/*
 * For the handler of a method that is about a VM, once it has found it (NULL:
 * there is none): is it the one that polkit was asked about? Meanwhile it may
 * have appeared, have gone, or have got another name. 0, or a negative errno
 * with the error set.
 */
int polkit_check_vm(const Caller *caller, const VM *vm, sd_bus_error *error);

/* The bus is gone, nobody waits for an answer any more. */
void polkit_forget_requests(Api *api);
