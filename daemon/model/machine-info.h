/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* systemd-machined's data about a machine of class "vm". */
typedef struct MachineInfo {
        const char *name;
        const char *uuid; /* canonical */
        const char *unit; /* may be NULL */
        uint32_t leader;
        uint64_t usec; /* creation time, CLOCK_REALTIME; 0 if unknown */
} MachineInfo;
