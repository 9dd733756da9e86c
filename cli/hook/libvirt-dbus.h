/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "domain-xml.h"

/* Access to libvirt through libvirt-dbus, which is optional. */

#define LIBVIRT_DBUS_NAME     "org.libvirt"
#define LIBVIRT_DBUS_QEMU     "/org/libvirt/QEMU"
#define LIBVIRT_DBUS_CONNECT  "org.libvirt.Connect"
#define LIBVIRT_DBUS_DOMAIN   "org.libvirt.Domain"
#define LIBVIRT_DBUS_UNUSABLE (-ENXIO) /* not installed, or no access for this user */

/*
 * Lists the object paths of running domains. Returns 0, or LIBVIRT_DBUS_UNUSABLE or another negative errno
 * with *error set.
 */
int libvirt_dbus_list(sd_bus *bus, char ***ret_paths, sd_bus_error *error);

/*
 * Reads the current XML of a domain. Returns 0, -ENOENT if the domain does not
 * exist or does not run, or another negative errno with *error set.
 */
int libvirt_dbus_read(sd_bus *bus, const char *path, DomainXml *ret, sd_bus_error *error);

/* Handler of the daemon's answer. */
typedef struct LibvirtUpdate {
        char uuid[UUID_STRING_SIZE];
        char *name;
        uint32_t quota;
        char *source;
} LibvirtUpdate;

void libvirt_update_clear(LibvirtUpdate *update);

/*
 * Sends the current XML data of a running domain to the daemon. Returns 1; 0 if
 * the domain or the daemon does not run, or the daemon does not know the domain;
 * or a negative errno with *error set.
 */
int libvirt_dbus_update(sd_bus *bus, const char *path, LibvirtUpdate *ret, sd_bus_error *error);
