/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * The socket for libvirt's hook, /run/pasidd/hook: peer-to-peer D-Bus with only
 * the methods Reserve, Confirm and Release of org.pasidd1.Manager. Only root can
 * connect. It takes precedence over everything else, so that calls on the system
 * bus do not delay the start of a VM.
 */

/* Adds the hook's methods to a connection. Returns 0 or a negative errno. */
typedef int (*HookMethodsAdder)(Api *api, sd_bus *bus);

/*
 * Starts to accept connections, at the first call: on the socket passed by
 * systemd, or below a root directory (tests) on a new one. Otherwise there is no
 * socket, and the hook uses the bus. Failures are logged.
 */
void hook_socket_start(Api *api, HookMethodsAdder add_methods);

/* Closes all connections. Returns NULL. */
HookSocket *hook_socket_free(HookSocket *socket);
DEFINE_CLEANUP_FUNC(HookSocket *, hook_socket_free, hook_socket_freep);

/*
 * Is this a connection of the hook? If so, *ret_pid is its process id. Callers on
 * such a connection are always root.
 */
bool hook_socket_owns(const HookSocket *socket, const sd_bus *bus, uint32_t *ret_pid);
