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
 * For tables: says which row it is before an assertion about it can fail.
 * Shown by meson only then.
 */
#define test_case(...) print_message("case: " __VA_ARGS__), print_message("\n")

/* A new directory in TMPDIR that test_rmdir() removes with all that is in it. */
char *test_mkdtemp(void);
void test_rmdirp(char **path);
#define _cleanup_rmdir_ _cleanup_(test_rmdirp)

/* DIR/NAME with this content; the path is to be freed. */
char *test_write(const char *dir, const char *name, const void *data, size_t size);
#define test_write_text(dir, name, text) test_write(dir, name, text, strlen(text))

/* The whole content, to be freed; NULL when there is no such file. */
char *test_read(const char *path);
char *test_path(const char *dir, const char *name);
