/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/netlink.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "log.h"
#include "passed-sockets.h"

/* A host usually has about ten groups. */
#define GROUPS_MAX 1024U
#define DRAIN_MAX  65536U

static bool is_generic_netlink(int fd) {
        int protocol;
        socklen_t size = sizeof(protocol);

        return sd_is_socket(fd, AF_NETLINK, SOCK_RAW, -1) > 0 &&
               getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) >= 0 && protocol == NETLINK_GENERIC;
}

static int leave_groups(int fd) {
        uint32_t groups[GROUPS_MAX / 32] = {};
        socklen_t size = sizeof(groups);

        if (getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size) < 0)
                return -errno;

        for (unsigned i = 0; i < GROUPS_MAX; i++) {
                unsigned group = i + 1;

                if ((groups[i / 32] & (UINT32_C(1) << (i % 32))) == 0)
                        continue;
                if (setsockopt(fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof(group)) < 0)
                        return -errno;
        }

        return 0;
}

/* Drops datagrams that an earlier daemon did not read: events, and replies whose numbers could equal those of ours. */
static void drain(int fd) {
        char byte;

        for (unsigned i = 0; i < DRAIN_MAX; i++)
                if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) < 0 && errno == EAGAIN)
                        return;
}

/* Only the hook's socket is a listening stream socket. */
static bool is_hook_socket(int fd) {
        return sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
}

static int reset_netlink(int fd) {
        int r;

        r = leave_groups(fd);
        if (r < 0)
                return log_error_errno(r, "Cannot leave the groups of a passed netlink socket: %m");

        drain(fd);
        return 0;
}

/* The order matters only for sockets of the same kind: requests, then events. */
static int classify(int n, PassedSockets *sockets) {
        for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
                int *slot = NULL;

                if (is_hook_socket(fd))
                        slot = &sockets->hook;
                else if (is_generic_netlink(fd))
                        slot = sockets->request < 0 ? &sockets->request : &sockets->events;

                if (!slot) {
                        log_error(
                                "Unexpected file descriptor %i: neither a generic netlink socket nor a listening "
                                "stream socket.",
                                fd);
                        return -EINVAL;
                }
                if (*slot >= 0) {
                        log_error("Unexpected file descriptor %i: too many sockets of this kind.", fd);
                        return -EINVAL;
                }
                *slot = fd;
        }

        if ((sockets->request < 0) != (sockets->events < 0)) {
                log_error("Only one generic netlink socket was passed, two are required.");
                return -EINVAL;
        }

        return 0;
}

int passed_sockets_get(PassedSockets *ret) {
        PassedSockets sockets = PASSED_SOCKETS_NONE;
        int n, r;

        n = sd_listen_fds(true);
        if (n < 0)
                return log_error_errno(n, "Cannot determine the passed file descriptors: %m");

        r = classify(n, &sockets);
        if (r >= 0 && sockets.request >= 0)
                r = reset_netlink(sockets.request);
        if (r >= 0 && sockets.events >= 0)
                r = reset_netlink(sockets.events);
        if (r < 0)
                return r;

        *ret = sockets;
        return n > 0;
}

void passed_sockets_done(PassedSockets *s) {
        closep(&s->request);
        closep(&s->events);
        closep(&s->hook);
        *s = PASSED_SOCKETS_NONE;
}
