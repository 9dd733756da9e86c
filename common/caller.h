/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Who called a method, as far as the bus and /proc tell. For the record only: nothing is decided by pid or unit. */
typedef struct Caller {
        uint32_t uid;
        uint32_t pid; /* 0: not known */
        char *unit;   /* that the process runs in; NULL: none, or not known */
        char *asked_vm; /* name and UUID of the VM that polkit was asked about, "" for none; NULL: nobody was asked */
} Caller;

/* A copy of its own: caller_clear() ends it. -ENOMEM, with *ret untouched. */
int caller_copy(const Caller *caller, Caller *ret);

/* Frees what it holds; it is nobody then. */
void caller_clear(Caller *caller);
