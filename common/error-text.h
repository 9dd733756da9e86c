/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/*
 * For parsers: puts a description of what is wrong with the input into *ret_error, which the caller frees. Returns
 * -EBADMSG, or -ENOMEM with *ret_error set to NULL.
 */
int error_text(char **ret_error, const char *format, ...) _printf_(2, 3);
