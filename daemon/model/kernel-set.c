/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stddef.h>

#include "kernel-set.h"

const char *kernel_limit_reason_to_string(KernelLimitReason reason) {
        switch (reason) {
        case KERNEL_LIMIT_QUOTA:
                return "quota";
        case KERNEL_LIMIT_CGROUP:
                return "limit";
        case KERNEL_LIMIT_RANGE:
                return "range";
        case KERNEL_LIMIT_OTHER:
                return "other";
        default:
                return NULL;
        }
}

static uint32_t count_of(const KernelSet *set, KernelCount count) {
        return count == KERNEL_COUNT_ATTACHED ? set->attached : set->allocated;
}

void kernel_watermark_counts(
        const KernelSet *before, const KernelSet *now, bool ret[static _KERNEL_COUNT_MAX]) {
        bool reached[_KERNEL_COUNT_MAX] = {}, is_above[_KERNEL_COUNT_MAX] = {};
        bool any_reached = false, any_is_above = false;
        KernelCount count;

        for (count = 0; now->watermark > 0 && count < _KERNEL_COUNT_MAX; count++) {
                is_above[count] = count_of(now, count) >= now->watermark;
                reached[count] = is_above[count] && count_of(before, count) < now->watermark;
                any_is_above |= is_above[count];
                any_reached |= reached[count];
        }

        if (!any_is_above)
                is_above[now->attached > now->allocated ? KERNEL_COUNT_ATTACHED : KERNEL_COUNT_PASIDS] = true;
        for (count = 0; count < _KERNEL_COUNT_MAX; count++)
                ret[count] = any_reached ? reached[count] : is_above[count];
}
