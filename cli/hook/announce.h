/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "domain-xml.h"

/* Announcement of a domain to the daemon. */

typedef enum AnnounceKind {
        ANNOUNCE_START,     /* it is about to start */
        ANNOUNCE_RECONNECT, /* it runs, and libvirt has reconnected to it */
        ANNOUNCE_UPDATE,    /* it runs, and its XML has changed */
} AnnounceKind;

/*
 * Appends the arguments of the daemon's Reserve. name is libvirt's name of the
 * domain. libvirt_pid is the libvirt process that starts the domain, or 0 for
 * none. Returns 0 or a negative errno.
 */
int announce_append(sd_bus_message *m, AnnounceKind kind, const DomainXml *domain, const char *name,
        uint32_t libvirt_pid);
