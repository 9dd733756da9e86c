/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decodes one character from the n bytes at s. Returns the length of its UTF-8
 * sequence and sets *ret to the code point. Returns 0 if the sequence is not
 * well-formed by RFC 3629 (overlong forms and surrogates are rejected) or n is 0.
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

/* Is s valid UTF-8 without control characters? */
bool utf8_is_printable(const char *s);
