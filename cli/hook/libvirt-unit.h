/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

/* The systemd units of libvirt and of libvirt-dbus, and what systemd says of them. */

#define SYSTEMD_UNIT_PATH(name) "/org/freedesktop/systemd1/unit/" name "_2eservice"

#define LIBVIRT_UNITS 2U

/* The object path of libvirt's unit number i: the daemon for all drivers, or that of QEMU alone. */
const char *libvirt_unit_path(size_t i);

/*
 * Does a libvirt daemon run, or start right now? A question to libvirt would
 * start one otherwise, by its socket, also where the administrator has stopped
 * it. True where systemd does not answer. Waits for systemd's answer.
 */
bool libvirt_is_running(sd_bus *bus);

/*
 * Has somebody stopped the unit of libvirt-dbus? A crash does not count, nor
 * does libvirt-dbus without a unit, which the bus starts by itself. Waits for
 * systemd's answer.
 */
bool libvirt_dbus_is_stopped(sd_bus *bus);
