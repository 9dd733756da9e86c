/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-id128.h>

#define UUID_STRING_SIZE SD_ID128_UUID_STRING_MAX

/*
 * Takes the 36-character form with dashes or 32 hex digits, either case;
 * gives the canonical form: lower case with dashes. -EINVAL otherwise, the nil
 * UUID included. buf is untouched on failure.
 */
int uuid_canonical(const char *s, char buf[static UUID_STRING_SIZE]);

/* Is prefix (dashes optional, any case, at least one digit) a beginning of the canonical uuid? */
bool uuid_has_prefix(const char *uuid, const char *prefix);
