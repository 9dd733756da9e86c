/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The format of the misc controller's files (misc.max, misc.current, misc.peak,
 * misc.capacity, misc.events; kernel: Documentation/admin-guide/cgroup-v2.rst):
 * one "KEY VALUE" per line. Pure.
 */

#define MISC_MAX UINT64_MAX /* represents "max" */

/*
 * The PASID resources of the controller. A quota and a slice's limit apply to
 * each of them; capacity and admission apply to MISC_PASID only.
 */
typedef enum MiscResource {
        MISC_PASID,        /* PASIDs of the system-wide space */
        MISC_PASID_ATTACH, /* PASIDs attached through iommufd; newer kernels only */
        _MISC_RESOURCE_MAX,
} MiscResource;

/* The key of the resource's lines: "pasid", "pasid_attach". */
const char *misc_resource_to_string(MiscResource resource);

/* The name of the resource's line of misc.max for messages: "misc.max", "misc.max (pasid_attach)". */
const char *misc_max_name(MiscResource resource);

/*
 * Reads the value of key. Returns 0, -ENODATA if the key is missing (the kernel
 * omits resources with capacity 0), or -EBADMSG if its line does not parse. *ret
 * is untouched on failure.
 */
int misc_file_get(const char *text, const char *key, uint64_t *ret);

/* The values of a file by resource. Resources can be missing. */
typedef struct MiscValues {
        bool present[_MISC_RESOURCE_MAX];
        uint64_t value[_MISC_RESOURCE_MAX];
} MiscValues;

/* Reads all resources. Errors as misc_file_get(); -ENODATA if the file has none of them. */
int misc_file_get_values(const char *text, MiscValues *ret);

/* Does any resource have a different value? If so, *ret is the first one. */
bool misc_values_differ(const MiscValues *values, uint64_t value, MiscResource *ret);

/* Formats "KEY N" or "KEY max", one write to misc.max. Returns buf, which fits the longest line. */
#define MISC_MAX_LINE_SIZE (sizeof("pasid_attach 18446744073709551615"))
const char *misc_max_format(MiscResource resource, uint64_t value, char buf[static MISC_MAX_LINE_SIZE]);

/* Formats "N" or "max". Returns buf. */
#define MISC_VALUE_SIZE (sizeof("18446744073709551615"))
const char *misc_value_format(uint64_t value, char buf[static MISC_VALUE_SIZE]);
