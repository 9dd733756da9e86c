/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netlink/socket.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

/*
 * A netlink socket in the event loop. *passed: a file descriptor that systemd opened, which the socket takes, or negative to
 * open one. Returns 0 or a negative errno; the caller frees *socket and *source either way.
 */
int genl_socket_open(sd_event *event, int *passed, const char *description, int64_t priority,
        sd_event_io_handler_t handler, void *userdata, struct nl_sock **socket, sd_event_source **source);

/* Makes room for many events. Failing is logged, and no reason not to go on. */
void genl_socket_enlarge(struct nl_sock *socket);

/* A request without attributes; to the controller, the one that names our family. */
typedef struct GenlRequest {
        uint32_t number; /* which the reply has */
        uint16_t family;
        uint8_t command, version;
        int flags; /* NLM_F_… besides NLM_F_REQUEST */
} GenlRequest;

/* Returns 0, -ENOMEM or -EIO. */
int genl_socket_send(struct nl_sock *socket, const GenlRequest *request);

/*
 * One datagram from the kernel into the buffer. Returns its size, 0 for one to
 * be ignored, -EAGAIN when there is none, -ENOBUFS when some got lost.
 */
ssize_t genl_socket_receive(struct nl_sock *socket, void *buffer, size_t buffer_size);
