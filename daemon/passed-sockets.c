/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/netlink.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "log.h"
#include "passed-sockets.h"

#define N_SOCKETS 2

/* Some ten groups are what a host has. */
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

/* What an earlier daemon did not read: events, and the rest of a dump, whose numbers could be those of ours. */
static void drain(int fd) {
        char byte;

        for (unsigned i = 0; i < DRAIN_MAX; i++)
                if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) < 0 && errno == EAGAIN)
                        return;
}

static int take_over(int fd) {
        int r;

        if (!is_generic_netlink(fd)) {
                log_error("File descriptor %i was passed, which is no generic netlink socket.", fd);
                return -EINVAL;
        }

        r = leave_groups(fd);
        if (r < 0)
                return log_error_errno(r, "Cannot leave the groups of a netlink socket that was passed: %m");

        drain(fd);
        return 0;
}

int passed_sockets_get(PassedSockets *ret) {
        int n, r;

        n = sd_listen_fds(true);
        if (n < 0)
                return log_error_errno(n, "Cannot take the file descriptors that were passed: %m");
        if (n == 0) {
                *ret = PASSED_SOCKETS_NONE;
                return 0;
        }

        if (n != N_SOCKETS) {
                log_error("Wanted %i netlink sockets, %i file descriptors were passed.", N_SOCKETS, n);
                return -EINVAL;
        }

        for (int i = 0; i < N_SOCKETS; i++) {
                r = take_over(SD_LISTEN_FDS_START + i);
                if (r < 0)
                        return r;
        }

        *ret = (PassedSockets) { .request = SD_LISTEN_FDS_START, .events = SD_LISTEN_FDS_START + 1 };
        return 1;
}

void passed_sockets_done(PassedSockets *s) {
        closep(&s->request);
        closep(&s->events);
        *s = PASSED_SOCKETS_NONE;
}
