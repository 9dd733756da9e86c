/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/*
 * Generic netlink sockets that were opened for us: by systemd, for
 * pasidd.socket, which then leaves us neither the host's network nor a way to
 * open any.
 */
typedef struct PassedSockets {
        int request;
        int events;
} PassedSockets;

#define PASSED_SOCKETS_NONE ((PassedSockets) { .request = -EBADF, .events = -EBADF })

/*
 * Whoever is started as we are gets the same sockets: they listen to nothing
 * and hold nothing after this. Returns 1, 0 when nothing was passed, or, where
 * it was something else, -EINVAL and has said so.
 */
int passed_sockets_get(PassedSockets *ret);

void passed_sockets_done(PassedSockets *s);
