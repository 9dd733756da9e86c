/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netlink/socket.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

/*
 * Opens a netlink socket in the event loop. *passed: a file descriptor passed by systemd, of which the socket takes
 * ownership; if it is negative, one is opened. Returns 0 or a negative errno; the caller frees *socket and *source in either
 * case.
 */
int genl_socket_open(sd_event *event, int *passed, const char *description, int64_t priority,
        sd_event_io_handler_t handler, void *userdata, struct nl_sock **socket, sd_event_source **source);

/* Enlarges the receive buffer. A failure is logged and ignored. */
void genl_socket_enlarge(struct nl_sock *socket);

/* A request without attributes, except for the family's name if it is to the controller. */
typedef struct GenlRequest {
        uint32_t number; /* sequence number, repeated in the reply */
        uint16_t family;
        uint8_t command, version;
        int flags; /* NLM_F_… in addition to NLM_F_REQUEST */
} GenlRequest;

/* Sends a request. Returns 0, -ENOMEM or -EIO. */
int genl_socket_send(struct nl_sock *socket, const GenlRequest *request);

/*
 * Receives one datagram from the kernel. Returns its size; 0 if it is to be
 * ignored; -EAGAIN if there is none; -ENOBUFS if datagrams were lost; or another
 * negative errno.
 */
ssize_t genl_socket_receive(struct nl_sock *socket, void *buffer, size_t buffer_size);
