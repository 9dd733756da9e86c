/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "domain-xml.h"

/* What the daemon is told of a domain. */

typedef enum AnnounceKind {
        ANNOUNCE_START,     /* it is about to start */
        ANNOUNCE_RECONNECT, /* it runs, libvirt has come back to it */
        ANNOUNCE_UPDATE,    /* it runs, and its XML has changed */
} AnnounceKind;

/*
 * Appends the arguments of the daemon's Reserve. name is what libvirt calls the
 * domain, libvirt_pid the process that starts it, 0 if there is none to wait
 * for. Returns 0 or a negative errno.
 */
int announce_append(sd_bus_message *m, AnnounceKind kind, const DomainXml *domain, const char *name,
        uint32_t libvirt_pid);
