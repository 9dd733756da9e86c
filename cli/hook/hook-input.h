/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hook.h"

/*
 * Reads stdin to its end. Stores at most the maximum size of a domain plus one byte in *ret, so that the
 * parser detects an input that is too large. The caller frees *ret. Returns 0, -ETIMEDOUT if stdin does
 * not end in time, or another negative errno. */
int hook_read_domain(const Hook *hook, char **ret, size_t *ret_size);
