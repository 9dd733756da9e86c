/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the well-formed sequence (RFC 3629: no overlong forms, no
 * surrogates) at the beginning of the n bytes at s, with its code point in
 * *ret; 0 when there is none.
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

/* Can s be shown to people and sent over D-Bus: valid UTF-8 without control characters? */
bool utf8_is_printable(const char *s);
