/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Who called a method, according to the bus and /proc. For the record only: no decision depends on pid or unit. */
typedef struct Caller {
        uint32_t uid;
        uint32_t pid; /* 0: unknown */
        char *unit;   /* unit of the process; NULL: none, or unknown */
        char *polkit_vm; /* name and UUID of the VM that polkit was asked about, "" for none; NULL: polkit was not asked */
} Caller;

/* Makes a deep copy, to be freed with caller_clear(). Returns 0 or -ENOMEM, with *ret untouched. */
int caller_copy(const Caller *caller, Caller *ret);

/* Frees the members and sets all of them to zero. */
void caller_clear(Caller *caller);
