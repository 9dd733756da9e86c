/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "info.h"

/* A slice, as returned by ListSlices. */
typedef struct SliceInfo {
        char *slice;
        char *source;
        char *origin;
        uint32_t limit;
        uint64_t committed;
        uint32_t allocated;
        uint32_t peak;
        bool in_force;
        char *error;
} SliceInfo;

extern const InfoTable slice_table;
