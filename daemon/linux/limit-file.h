/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "limit.h"
#include "misc-file.h"

/* The files that have the numbers of limit.h. */

typedef struct LimitFile {
        LimitKind kind;
        const char *cgroup; /* LIMIT_SLICE, LIMIT_SCOPE, LIMIT_VM */
        uint64_t set;       /* LIMIT_SET_QUOTA, LIMIT_SET_WATERMARK: the set's id */
} LimitFile;

/* misc.max has its value once for each resource; the other files have a single number. */
bool limit_file_is_misc(LimitKind kind);

/*
 * What the file says; a single number counts as the value of MISC_PASID. root:
 * "" or a test's directory. Errors as cgroup_get_limits(),
 * sysfs_set_read_quota() and sysfs_read_default_quota().
 */
int limit_file_read(const char *root, const LimitFile *file, MiscValues *ret);

/*
 * Writes a number and reads it back. -EIO when the kernel shows another one
 * then; other errors as above. ret_before, unless NULL, gets what the file said
 * before; on failure it may be untouched.
 */
int limit_file_write(const char *root, const LimitFile *file, uint64_t value, MiscValues *ret_before);
