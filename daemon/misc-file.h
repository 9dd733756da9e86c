/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * The text of the misc controller's files (misc.max, misc.current, misc.peak,
 * misc.capacity, misc.events; kernel: Documentation/admin-guide/cgroup-v2.rst):
 * one "KEY VALUE" a line. Pure.
 */

#define MISC_KEY_PASID     "pasid"
#define MISC_KEY_PASID_MAX "pasid.max" /* in misc.events */
#define MISC_MAX           UINT64_MAX  /* what "max" is read as */

/*
 * The value of key. Returns 0, -ENODATA when the key is not there (the kernel
 * omits resources with capacity 0), -EBADMSG when its line does not parse.
 * *ret is untouched on failure.
 */
int misc_file_get(const char *text, const char *key, uint64_t *ret);

/* "pasid N" or "pasid max" as misc.max takes it. buf has room for the longest value. */
#define MISC_MAX_LINE_SIZE (sizeof("pasid 18446744073709551615"))
const char *misc_max_format(uint64_t value, char buf[static MISC_MAX_LINE_SIZE]);
