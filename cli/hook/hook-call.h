/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "hook.h"

/*
 * Calls the daemon for the hook's action. Uses the hook's socket, where no other caller can delay it. Uses
 * the system bus, which can start the daemon, if there is no socket or the daemon closes the connection.
 * Returns 0, or a negative errno with *error set, which the caller frees. */
int hook_call_daemon(const Hook *hook, sd_bus_error *error);

/* Does the error mean that the daemon does not run? */
bool hook_error_is_not_running(const sd_bus_error *error);
