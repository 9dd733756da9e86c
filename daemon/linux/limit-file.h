/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "limit.h"
#include "misc-file.h"

/* The kernel's files with the numbers of limit.h. */

typedef struct LimitFile {
        LimitKind kind;
        const char *cgroup; /* LIMIT_SLICE, LIMIT_SCOPE, LIMIT_VM */
        uint64_t set;       /* LIMIT_SET_QUOTA, LIMIT_SET_WATERMARK: the set's id */
} LimitFile;

/* misc.max has its value once for each resource; the other files have a single number. */
bool limit_file_is_misc(LimitKind kind);

/*
 * Reads the file; a single number counts as the value of MISC_PASID. root:
 * "" or a test's directory. A cgroup's limit is one number, which misc.max
 * holds once for each resource that the kernel has, and may be MISC_MAX; other
 * code does not handle the lines one by one.
 *
 * -ENOENT or -ENODEV when the set or the cgroup is gone, or the controller is
 * not enabled for the cgroup; -ENODATA when misc.max has no line for PASIDs.
 */
int limit_file_read(const char *root, const LimitFile *file, MiscValues *ret);

/*
 * Writes the lines with a different value, and reads them back. -EIO if the kernel
 * then has another value, -ERANGE for a value that the file cannot have; other
 * errors as above. After a failure of one line of misc.max, the other line has
 * been written. ret_before, unless NULL, gets the previous values; on failure it
 * may be untouched.
 */
int limit_file_write(const char *root, const LimitFile *file, uint64_t value, MiscValues *ret_before);

/*
 * Can only root write the file? In a delegated cgroup, misc.max belongs to the user. pasidd's own uid counts as root, because
 * tests run without root. false if the file cannot be examined.
 */
bool limit_file_is_administrators(const char *root, const LimitFile *file);

/* Restores the values that limit_file_write() found, line by line. Errors as above. */
int limit_file_restore(const char *root, const LimitFile *file, const MiscValues *before);

/* Sets those lines of a cgroup's misc.max to MISC_MAX that still have this value. Errors as above. */
int limit_file_clear(const char *root, const char *cgroup, uint64_t value);
