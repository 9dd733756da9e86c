/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

typedef struct FloodSetup {
        const char *program; /* the daemon that is linked with fake-netlink.c */
        const char *dir;     /* with make_root(), start_bus() and start_machined() */
        size_t n_vms;
        unsigned rate; /* events a second */
        int notify;    /* make_notify_socket() */
        pid_t bus;     /* dbus-daemon */
        pid_t *daemon; /* is set while the daemon runs */
} FloodSetup;

/* How a flood of kernel events slows SetQuota down, and what it costs. */
void measure_flood(const FloodSetup *setup);
