/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-id128.h>

#define UUID_STRING_SIZE SD_ID128_UUID_STRING_MAX

/*
 * Converts a UUID, in the 36-character form with dashes or as 32 hex digits, in
 * upper or lower case, to the canonical form: lower case with dashes. Returns 0,
 * or -EINVAL for an invalid or nil UUID; buf is untouched on failure.
 */
int uuid_canonical(const char *s, char buf[static UUID_STRING_SIZE]);

/* Is prefix (dashes optional, any case, at least one digit) a prefix of the canonical uuid? */
bool uuid_has_prefix(const char *uuid, const char *prefix);
