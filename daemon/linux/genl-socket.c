/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "genl-socket.h"

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <linux/vfio_pasid.h>

#include "log.h"
#include "macro.h"

/* Room for about ten thousand events. */
#define EVENTS_BUFFER_SIZE (4 * 1024 * 1024)

DEFINE_CLEANUP_FUNC(struct nl_msg *, nlmsg_free, nlmsg_freep);

int genl_socket_send(struct nl_sock *socket, const GenlRequest *request) {
        _cleanup_(nlmsg_freep) struct nl_msg *msg = NULL;

        msg = nlmsg_alloc();
        if (!msg)
                return -ENOMEM;

        if (!genlmsg_put(msg, NL_AUTO_PORT, request->number, request->family, 0,
                    NLM_F_REQUEST | request->flags, request->command, request->version))
                return -ENOMEM;

        if (request->family == GENL_ID_CTRL &&
                nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, VFIO_PASID_FAMILY_NAME) < 0)
                return -ENOMEM;

        return nl_send_auto(socket, msg) < 0 ? -EIO : 0;
}

ssize_t genl_socket_receive(struct nl_sock *socket, void *buffer, size_t buffer_size) {
        struct sockaddr_nl sender = {};
        socklen_t size = sizeof(sender);
        ssize_t n;

        n = recvfrom(nl_socket_get_fd(socket), buffer, buffer_size, MSG_DONTWAIT | MSG_TRUNC,
                (struct sockaddr *) &sender, &size);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (size < sizeof(sender) || sender.nl_pid != 0)
                return 0;
        if ((size_t) n > buffer_size)
                return -ENOBUFS;

        return n;
}

/* Uses *passed if there is one, and sets it to -EBADF. */
static int connect_socket(struct nl_sock *socket, int *passed) {
        if (*passed < 0)
                return genl_connect(socket) < 0 ? (errno > 0 ? -errno : -EIO) : 0;

        if (nl_socket_set_fd(socket, NETLINK_GENERIC, *passed) < 0)
                return -EINVAL;

        *passed = -EBADF;
        return 0;
}

int genl_socket_open(sd_event *event, int *passed, const char *description, int64_t priority,
        sd_event_io_handler_t handler, void *userdata, struct nl_sock **socket, sd_event_source **source) {
        int r;

        *socket = nl_socket_alloc();
        if (!*socket)
                return -ENOMEM;

        nl_socket_disable_auto_ack(*socket);
        nl_socket_disable_seq_check(*socket);

        r = connect_socket(*socket, passed);
        if (r < 0)
                return r;
        if (nl_socket_set_nonblocking(*socket) < 0)
                return errno > 0 ? -errno : -EIO;

        r = sd_event_add_io(event, source, nl_socket_get_fd(*socket), EPOLLIN, handler, userdata);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(*source, description);
        return sd_event_source_set_priority(*source, priority);
}

void genl_socket_enlarge(struct nl_sock *socket) {
        int fd = nl_socket_get_fd(socket), size = EVENTS_BUFFER_SIZE;

        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 &&
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0)
                log_debug_errno(-errno, "Cannot enlarge the netlink receive buffer, ignoring: %m");
}
