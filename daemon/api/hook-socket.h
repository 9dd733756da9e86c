/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * The socket of libvirt's hook, /run/pasidd/hook: D-Bus peer to peer, with
 * Reserve, Confirm and Release of org.pasidd1.Manager and nothing else. Only
 * root can connect. It is served before everything else, so that a VM's start
 * does not wait behind what callers on the system bus ask for.
 */

/* Adds the hook's methods to a connection of its own. */
typedef int (*HookMethodsAdder)(Api *api, sd_bus *bus);

/*
 * Begins to accept connections, at the first call: on the socket that systemd
 * passed, or, below a root directory (tests), on one made there. Without any
 * of these there is no such socket and the hook uses the bus. Logs what fails.
 */
void hook_socket_start(Api *api, HookMethodsAdder add_methods);

/* Closes all connections. */
HookSocket *hook_socket_free(HookSocket *socket);
DEFINE_CLEANUP_FUNC(HookSocket *, hook_socket_free, hook_socket_freep);

/*
 * Is this the connection of a hook? Then stores its process id. Everybody who
 * calls on such a connection is root.
 */
bool hook_socket_owns(const HookSocket *socket, const sd_bus *bus, uint32_t *ret_pid);
