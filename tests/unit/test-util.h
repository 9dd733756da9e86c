/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "macro.h"

/*
 * For tables: prints which row is being checked. Meson shows it only if the test
 * fails.
 */
#define test_case(...) print_message("case: " __VA_ARGS__), print_message("\n")

/* Makes a directory in TMPDIR, which test_rmdir() removes with its content. */
char *test_mkdtemp(void);
void test_rmdirp(char **path);
#define _cleanup_rmdir_ _cleanup_(test_rmdirp)

/* Writes DIR/NAME and returns its path, which the caller frees. */
char *test_write(const char *dir, const char *name, const void *data, size_t size);
#define test_write_text(dir, name, text) test_write(dir, name, text, strlen(text))

/* Returns the content, which the caller frees, or NULL if there is no such file. */
char *test_read(const char *path);
char *test_path(const char *dir, const char *name);
