/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

/* The systemd units of libvirt and of libvirt-dbus, and their states. */

#define SYSTEMD_UNIT_PATH(name) "/org/freedesktop/systemd1/unit/" name "_2eservice"

#define LIBVIRT_UNITS 2U

/* The object path of libvirt's unit number i: the monolithic daemon, or the daemon for QEMU. */
const char *libvirt_unit_path(size_t i);

/*
 * Is a libvirt daemon running or starting? If not, a call to libvirt would start
 * one by socket activation, even if the administrator has stopped it. True if
 * systemd does not answer. Blocks until systemd answers.
 */
bool libvirt_is_running(sd_bus *bus);

/*
 * Was the unit of libvirt-dbus stopped? False after a crash, and for libvirt-dbus
 * without a unit, which the bus starts itself. Blocks until systemd answers.
 */
bool libvirt_dbus_is_stopped(sd_bus *bus);
