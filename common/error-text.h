/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* For parsers: puts what is wrong with the input into *RET_ERROR, which the caller frees. Returns -EBADMSG, or -ENOMEM with
 * *RET_ERROR NULL. */
int error_text(char **ret_error, const char *format, ...) _printf_(2, 3);
