/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Can s be shown to people and sent over D-Bus: valid UTF-8 (RFC 3629: no
 * overlong forms, no surrogates) without control characters?
 */
bool utf8_is_printable(const char *s);
