/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "domain-xml.h"

/* libvirt by way of libvirt-dbus, which need not be there. */

#define LIBVIRT_DBUS_NAME     "org.libvirt"
#define LIBVIRT_DBUS_QEMU     "/org/libvirt/QEMU"
#define LIBVIRT_DBUS_CONNECT  "org.libvirt.Connect"
#define LIBVIRT_DBUS_DOMAIN   "org.libvirt.Domain"
#define LIBVIRT_DBUS_UNUSABLE (-ENXIO) /* it is not installed, or not for this user */

/* The object paths of the domains that run. Returns 0, LIBVIRT_DBUS_UNUSABLE or another negative errno; error says more. */
int libvirt_dbus_list(sd_bus *bus, char ***ret_paths, sd_bus_error *error);

/*
 * What the XML of a domain says now. Returns 0, -ENOENT if there is no such
 * domain or it does not run, or another negative errno; error says more.
 */
int libvirt_dbus_read(sd_bus *bus, const char *path, DomainXml *ret, sd_bus_error *error);

/* How the daemon has taken it. */
typedef struct LibvirtUpdate {
        char uuid[UUID_STRING_SIZE];
        char *name;
        uint32_t quota;
        char *source;
} LibvirtUpdate;

void libvirt_update_clear(LibvirtUpdate *update);

/*
 * Tells the daemon what the XML of a running domain says now. Returns 1; 0 if
 * the domain does not run, or the daemon does not know it or does not run
 * itself; or a negative errno, error saying more.
 */
int libvirt_dbus_update(sd_bus *bus, const char *path, LibvirtUpdate *ret, sd_bus_error *error);
