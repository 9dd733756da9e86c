/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/*
 * The sockets that systemd opens for pasidd.socket: two for generic netlink,
 * because the service has neither the host's network nor a way to open any,
 * and the listening socket of libvirt's hook. Each is recognised by its kind;
 * of those that were not passed the descriptor is negative.
 */
typedef struct PassedSockets {
        int request;
        int events;
        int hook;
} PassedSockets;

#define PASSED_SOCKETS_NONE ((PassedSockets) { .request = -EBADF, .events = -EBADF, .hook = -EBADF })

/*
 * Whoever is started as we are gets the same sockets: those for netlink are in
 * no group and hold nothing after this. Returns 1, 0 when nothing was passed,
 * or, where it was something else, -EINVAL and has logged that.
 */
int passed_sockets_get(PassedSockets *ret);

void passed_sockets_done(PassedSockets *s);
