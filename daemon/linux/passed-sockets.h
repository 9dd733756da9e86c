/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/*
 * Sockets that systemd passes for pasidd.socket: two for generic netlink, because
 * the service has no access to the host's network and cannot open any, and the
 * listening socket for libvirt's hook. Each is recognised by its kind. The
 * descriptor of a socket that was not passed is negative.
 */
typedef struct PassedSockets {
        int request;
        int events;
        int hook;
} PassedSockets;

#define PASSED_SOCKETS_NONE ((PassedSockets) { .request = -EBADF, .events = -EBADF, .hook = -EBADF })

/*
 * Takes the passed sockets. The netlink sockets leave all groups and are drained,
 * because an earlier daemon may have used them. Returns 1, 0 if nothing was
 * passed, or a negative errno, which has been logged.
 */
int passed_sockets_get(PassedSockets *ret);

void passed_sockets_done(PassedSockets *s);
