/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

/*
 * Connects to the daemon's socket for the libvirt hook, a peer-to-peer D-Bus
 * connection, and waits until the daemon has accepted it. deadline is in
 * microseconds of CLOCK_MONOTONIC. Returns 0, -ETIMEDOUT when the daemon does not
 * accept in time, or another negative errno when there is no such socket or
 * nobody listens.
 */
int hook_connect(uint64_t deadline, sd_bus **ret);

/* Does the errno mean that the daemon closed or never accepted the connection? */
bool hook_connection_is_lost(int r);
