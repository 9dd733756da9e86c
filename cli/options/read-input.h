/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "exit-status.h"

/*
 * Reads a file, or stdin for "-", and appends a NUL byte. Reads at most
 * size_max + 1 bytes; a size above size_max means that the file is too large.
 * Prints an error message with the hint on stderr. The caller frees *ret.
 */
CtlExitStatus read_input(const char *path, size_t size_max, const char *hint, char **ret, size_t *ret_size);
