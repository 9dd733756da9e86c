/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "exit-status.h"

/*
 * All of a file, or of stdin for "-", with a NUL behind it, but not more than
 * size_max + 1 bytes, by which the caller sees that it is too long. Says on
 * stderr why it fails, and the hint. The caller frees *ret.
 */
CtlExitStatus read_input(const char *path, size_t size_max, const char *hint, char **ret, size_t *ret_size);
