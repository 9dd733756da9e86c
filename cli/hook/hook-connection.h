/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

/*
 * Connects to the daemon's own socket for the libvirt hook, D-Bus peer to peer,
 * and waits until the daemon has taken the connection. deadline: of
 * CLOCK_MONOTONIC, in microseconds. Returns 0; -ETIMEDOUT when the daemon does
 * not react in time; another negative errno when there is no such socket, or
 * nobody who takes connections.
 */
int hook_connect(uint64_t deadline, sd_bus **ret);

/* Is it an error of a connection that the daemon has closed, or never taken? */
bool hook_connection_is_lost(int r);
