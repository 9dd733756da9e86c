/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain-xml.h"
#include "hook-op.h"

/* One call of the hook by libvirt. */
typedef struct Hook {
        const char *name; /* of the domain, as libvirt calls it */
        HookAction action;
        bool deny_without_daemon;
        uint64_t deadline; /* for reading and calls: of CLOCK_MONOTONIC, in µs */
        DomainXml domain;
} Hook;
