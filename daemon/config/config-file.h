/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "config.h"

/* The files of the configuration. */

#define CONFIG_NAME "pasidd.conf"
/* For those who know PKGCONFDIR and PKGLIBDIR, the directories of administrator and distribution. */
#define CONFIG_DIRS { PKGCONFDIR, "/run/pasidd", PKGLIBDIR, NULL }

/* Below another root directory, paths are those of a distribution, however this build is configured. */
#define CONFIG_DIRS_IN_ROOT { "/etc/pasidd", "/run/pasidd", "/usr/lib/pasidd", NULL }

/*
 * The files to read, in order: NAME and then the files *.conf of NAME.d,
 * sorted by name, from all of dirs, which go from the most important one down
 * (/etc, /run, /usr/lib). Of files with the same name only that of the most
 * important directory counts, so that an empty one or a link to /dev/null
 * turns off those below it. Nothing has to exist. The caller frees *ret, a
 * NULL-terminated list, with strv_free(); errors as config_load().
 */
int config_list_files(const char *const *dirs, const char *name, char ***ret, char **ret_error);

/*
 * Reads them all. The caller frees *ret.
 *
 * Returns 0 or a negative errno: -EBADMSG for content that does not parse,
 * with *ret_error set to "FILE:LINE: what was wrong" (to be freed); other
 * values for I/O, with *ret_error naming the file. *ret is untouched on failure.
 */
int config_load(const char *const *dirs, const char *name, Config **ret, char **ret_error);

/* The same from an open stream under the given file name, adding to c, whose content is of no use after a failure.
 * For config_load(), tests and fuzzing. */
int config_parse_stream(Config *c, FILE *f, const char *file, char **ret_error);
