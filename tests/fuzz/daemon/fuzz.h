/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* libFuzzer's entry point; called by replay.c with the files of the corpus in builds without libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert() not to be compiled out. */
#define FUZZ_CHECK(condition)                                                                                \
        do {                                                                                                 \
                if (!(condition))                                                                            \
                        abort();                                                                             \
        } while (0)

/* The input as a string of its own, so that reading past its end is noticed. NULL when it has a NUL. */
char *fuzz_string(const uint8_t *data, size_t size);
