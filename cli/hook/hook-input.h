/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hook.h"

/*
 * Reads all of stdin, of which *ret, to be freed, gets as much as a domain may have, and one byte more for the parser to see
 * that it is too much. Returns 0, -ETIMEDOUT when it does not end in time, or another negative errno.
 */
int hook_read_domain(const Hook *hook, char **ret, size_t *ret_size);
