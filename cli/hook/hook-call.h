/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "hook.h"

/*
 * Tells the daemon what the hook's action is about: by the daemon's own socket, where no other caller is in the way. It is
 * there while the daemon is wanted. Without it, and when the daemon closes the connection, by the system bus, which can
 * start the daemon. Returns 0, or a negative errno with the error set, to be freed.
 */
int hook_call_daemon(const Hook *hook, sd_bus_error *error);

/* Does the error say that the daemon does not run? */
bool hook_error_is_not_running(const sd_bus_error *error);
