/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* libFuzzer's entry point; called by replay.c with the files of the corpus in builds without libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert(), but never compiled out. */
#define FUZZ_CHECK(condition)                                                                                \
        do {                                                                                                 \
                if (!(condition))                                                                            \
                        abort();                                                                             \
        } while (0)

/* A copy of the input as a string, so that sanitizers detect reads past its end. Returns NULL if it contains a NUL. */
char *fuzz_string(const uint8_t *data, size_t size);
