/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "config.h"

/* The configuration files. */

#define CONFIG_NAME "pasidd.conf"
/* For files that are compiled with PKGCONFDIR and PKGLIBDIR, the directories of administrator and distribution. */
#define CONFIG_DIRS { PKGCONFDIR, "/run/pasidd", PKGLIBDIR, NULL }

/* Below another root directory, the paths are those of a distribution, independent of this build's prefix. */
#define CONFIG_DIRS_IN_ROOT { "/etc/pasidd", "/run/pasidd", "/usr/lib/pasidd", NULL }

/*
 * Lists the files to read, in order: NAME, then the files *.conf in NAME.d of
 * all directories, sorted by name. dirs is in descending order of precedence
 * (/etc, /run, /usr/lib). Of files with the same name only the one in the
 * directory with the highest precedence is used, so that an empty file or a link
 * to /dev/null masks the others. Nothing has to exist. *ret is a NULL-terminated
 * list, which the caller frees with strv_free(). Errors as config_load().
 */
int config_list_files(const char *const *dirs, const char *name, char ***ret, char **ret_error);

/*
 * Reads all files. The caller frees *ret.
 *
 * Returns 0 or a negative errno: -EBADMSG for content that does not parse, with
 * *ret_error set to "FILE:LINE: PROBLEM"; other values for I/O errors, with
 * *ret_error naming the file. The caller frees *ret_error. *ret is untouched on
 * failure.
 */
int config_load(const char *const *dirs, const char *name, Config **ret, char **ret_error);

/*
 * Parses a stream, file being its name, and adds its content to c. Errors as config_load(); on failure the content of c
 * is unusable. For config_load(), tests and fuzzing.
 */
int config_parse_stream(Config *c, FILE *f, const char *file, char **ret_error);
