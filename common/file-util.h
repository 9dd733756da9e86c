/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "macro.h"

/*
 * Attribute files of sysfs, procfs and cgroupfs: small texts that are read and
 * written whole. Everything lies below a root that is "" in service and a
 * directory in tests (--root=).
 */

/* ROOT + printf(FORMAT, …). NULL when out of memory; the caller frees the result. */
char *path_under(const char *root, const char *format, ...) _printf_(2, 3);

/*
 * The whole text of a file, NUL-terminated; the caller frees *ret. -EFBIG above
 * 1 MiB, -EBADMSG when it has NUL bytes, else what open() and read() say.
 */
int read_text_file(const char *path, char **ret);

/*
 * Writes text to a file that must exist already, in one write(), as attribute
 * files want it. Returns what open() and write() say; -EIO for a short write.
 */
int write_text_file(const char *path, const char *text);

/*
 * Write and read an attribute file that is open, as a whole, at offset 0, as often as needed. Errors as above. An ordinary file
 * below a test's root has to be truncated before it is written. buf gets the text, NUL-terminated: -EFBIG if it has no room for it,
 * -EBADMSG if the text has NUL bytes.
 */
int write_attribute(int fd, const char *text);
int read_attribute(int fd, char *buf, size_t size);

/*
 * Replaces a file of pasidd's as a whole, see replace_file(). For /run, where
 * nothing has to outlive a crash of the host: it is not synced.
 */
int replace_text_file(const char *path, const char *text);

/* The decimal number that is all of a file but for a trailing newline. -EBADMSG for anything else. */
int read_u64_file(const char *path, uint64_t *ret);
int read_u64_file_at(int dir, const char *path, uint64_t *ret);

/* The same for a text, which is changed. */
int parse_u64_line(char *line, uint64_t *ret);

/* Decimal digits alone. -EINVAL, or -ERANGE above UINT64_MAX. *ret is untouched on failure. */
int parse_u64(const char *s, uint64_t *ret);

/* Has the object behind an attribute gone? That is the course of things, not an error. */
static inline bool errno_is_gone(int r) {
        return r == -ENOENT || r == -ENODEV || r == -ESRCH;
}
