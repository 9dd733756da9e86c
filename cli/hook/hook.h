/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain-xml.h"
#include "hook-op.h"

/* One call of the hook by libvirt. */
typedef struct Hook {
        const char *name; /* of the domain, from libvirt */
        HookAction action;
        bool deny_without_daemon;
        uint64_t deadline; /* for reading and calls, in µs of CLOCK_MONOTONIC */
        DomainXml domain;
} Hook;
