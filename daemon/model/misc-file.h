/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The text of the misc controller's files (misc.max, misc.current, misc.peak,
 * misc.capacity, misc.events; kernel: Documentation/admin-guide/cgroup-v2.rst):
 * one "KEY VALUE" a line. Pure.
 */

#define MISC_MAX UINT64_MAX /* what "max" is read as */

/*
 * What the controller counts of PASIDs. A quota and a slice's limit hold for
 * each of the two; capacity and admission concern numbers alone.
 */
typedef enum MiscResource {
        MISC_PASID,        /* numbers of the system-wide space */
        MISC_PASID_ATTACH, /* PASIDs attached through iommufd; only newer kernels have it */
        _MISC_RESOURCE_MAX,
} MiscResource;

/* "pasid", "pasid_attach": the key of its lines. */
const char *misc_resource_to_string(MiscResource resource);

/* What messages call its line of misc.max: "misc.max", "misc.max (pasid_attach)". */
const char *misc_max_name(MiscResource resource);

/*
 * The value of key. Returns 0, -ENODATA when the key is not there (the kernel
 * omits resources with capacity 0), -EBADMSG when its line does not parse.
 * *ret is untouched on failure.
 */
int misc_file_get(const char *text, const char *key, uint64_t *ret);

/* What a file says of each resource. The kernel may lack one of them. */
typedef struct MiscValues {
        bool present[_MISC_RESOURCE_MAX];
        uint64_t value[_MISC_RESOURCE_MAX];
} MiscValues;

/* As misc_file_get(); -ENODATA when the file has neither resource. */
int misc_file_get_values(const char *text, MiscValues *ret);

/* Is there a resource with another value than this one? *ret is the first of them, untouched if there is none. */
bool misc_values_differ(const MiscValues *values, uint64_t value, MiscResource *ret);

/* "KEY N" or "KEY max" as misc.max takes it, one line in a write. buf has room for the longest one. */
#define MISC_MAX_LINE_SIZE (sizeof("pasid_attach 18446744073709551615"))
const char *misc_max_format(MiscResource resource, uint64_t value, char buf[static MISC_MAX_LINE_SIZE]);

/* The same without the key. */
#define MISC_VALUE_SIZE (sizeof("18446744073709551615"))
const char *misc_value_format(uint64_t value, char buf[static MISC_VALUE_SIZE]);
