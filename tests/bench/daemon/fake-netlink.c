/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Linked with the daemon, in place of what would talk to the kernel (ld --wrap,
 * see meson.build): the sockets are connected to fake-kernel.c, and --root= does
 * not replace netlink. The daemon's code for netlink is the real one.
 */

#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fake-kernel.h"
#include "kernel-source.h"

static struct {
        const struct nl_sock *socket;
        int fd;
} connected[2]; /* requests, events */
static size_t n_connected;

int __wrap_scan_source_new(sd_event *event, const char *root, const KernelSourceHandlers *handlers,
        void *userdata, KernelSource **ret);
int __wrap_genl_connect(struct nl_sock *socket);
int __wrap_nl_socket_get_fd(const struct nl_sock *socket);
int __wrap_nl_socket_set_nonblocking(const struct nl_sock *socket);
int __wrap_nl_socket_add_membership(struct nl_sock *socket, int group);
int __wrap_nl_send_auto(struct nl_sock *socket, struct nl_msg *msg);
ssize_t __real_recvfrom(
        int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *addr_size);
ssize_t __wrap_recvfrom(
        int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *addr_size);

int __wrap_scan_source_new(sd_event *event, const char *root, const KernelSourceHandlers *handlers,
        void *userdata, KernelSource **ret) {
        PassedSockets none = PASSED_SOCKETS_NONE;

        return genl_source_new(event, &none, handlers, userdata, ret);
}

int __wrap_genl_connect(struct nl_sock *socket_) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv(FAKE_KERNEL_VARIABLE);
        int fd;

        if (!path || strlen(path) >= sizeof(address.sun_path) || n_connected == ELEMENTSOF(connected)) {
                errno = ECONNREFUSED;
                return -1;
        }

        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -1;

        connected[n_connected].socket = socket_;
        connected[n_connected++].fd = fd;
        return 0;
}

int __wrap_nl_socket_get_fd(const struct nl_sock *socket) {
        for (size_t i = 0; i < n_connected; i++)
                if (connected[i].socket == socket)
                        return connected[i].fd;

        return -1;
}

/* Messages are received with MSG_DONTWAIT. */
int __wrap_nl_socket_set_nonblocking(const struct nl_sock *socket) {
        return 0;
}

int __wrap_nl_socket_add_membership(struct nl_sock *socket, int group) {
        return 0;
}

int __wrap_nl_send_auto(struct nl_sock *socket, struct nl_msg *msg) {
        const struct nlmsghdr *nlh = nlmsg_hdr(msg);

        return (int) send(__wrap_nl_socket_get_fd(socket), nlh, nlh->nlmsg_len, MSG_NOSIGNAL);
}

/* The sender is the kernel. */
ssize_t __wrap_recvfrom(
        int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *addr_size) {
        struct sockaddr_nl *sender = (struct sockaddr_nl *) addr;

        *sender = (struct sockaddr_nl) { .nl_family = AF_NETLINK };
        *addr_size = sizeof(*sender);
        return __real_recvfrom(fd, buf, size, flags, NULL, NULL);
}
