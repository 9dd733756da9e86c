/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "slice-info.h"

#include "terminal.h"

#define SLICE_FIELD(key, column, label, type, member)                                                        \
        { key, key, column, label, type, offsetof(SliceInfo, member) }

static const InfoField slice_fields[] = {
        SLICE_FIELD("slice", "SLICE", "Slice", INFO_STRING, slice),
        SLICE_FIELD("source", "SOURCE", "Source", INFO_STRING, source),
        SLICE_FIELD("origin", "ORIGIN", "Origin", INFO_STRING, origin),
        SLICE_FIELD("limit", "LIMIT", "Limit", INFO_LIMIT, limit),
        SLICE_FIELD("committed", "COMMITTED", "Committed", INFO_LIMIT64, committed),
        SLICE_FIELD("allocated", "ALLOCATED", "Allocated", INFO_LIMIT, allocated),
        SLICE_FIELD("peak", "PEAK", "Peak", INFO_LIMIT, peak),
        SLICE_FIELD("in_force", "INFORCE", "In Force", INFO_BOOL, in_force),
        SLICE_FIELD("error", "ERROR", "Error", INFO_STRING, error),
};

static const char *slice_color(const void *p) {
        const SliceInfo *slice = p;

        return slice->in_force ? NULL : COLOR_RED;
}

const InfoTable slice_table = {
        .fields = slice_fields,
        .n_fields = ELEMENTSOF(slice_fields),
        .size = sizeof(SliceInfo),
        .columns = "SLICE,LIMIT,SOURCE,COMMITTED,ALLOCATED,PEAK,INFORCE",
        .color = slice_color,
};
