/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The kernel's netlink family, in a process of its own: it answers the requests
 * of the daemon about the sets of make_root(), and sends events. The daemon is one
 * that was linked with fake-netlink.c, whose sockets connect to it.
 */

/* The path of its socket, for fake-netlink.c. */
#define FAKE_KERNEL_VARIABLE "PASIDD_BENCH_KERNEL"

/* Shared with the process. */
typedef struct FakeKernel {
        pid_t pid;
        int commands;                                               /* what the process is to do */
        _Atomic uint64_t limit_hits, watermark_hits, quota_changes; /* sent, including lost ones */
        _Atomic uint64_t lost;                                      /* that did not fit into the socket */
        _Atomic uint64_t dumps;
        _Atomic uint64_t floods; /* that have ended */
} FakeKernel;

/* Sets $PASIDD_BENCH_KERNEL. */
FakeKernel *start_fake_kernel(const char *dir, size_t n_vms);

/* Begins to send events of all VMs in turn, rate of them a second. */
void fake_kernel_flood(FakeKernel *kernel, unsigned rate, unsigned seconds);

/* An event is lost, and the next one is sent: the daemon reads all sets again. */
void fake_kernel_lose_event(FakeKernel *kernel);
