/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#define SHA256_HEX_SIZE 65

/* Writes the SHA-256 digest of the data in lower-case hex, with a NUL. Pure. */
void sha256_hex(const void *data, size_t size, char ret[static SHA256_HEX_SIZE]);
