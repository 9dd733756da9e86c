/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * How many bytes must be changed, added, left out or swapped with their
 * neighbour to make b of a, upper and lower case being the same. SIZE_MAX when
 * out of memory.
 */
size_t edit_distance(const char *a, const char *b);

/*
 * Which of the words did somebody mean who typed this? NULL when none is
 * close: up to a third of its bytes may be wrong, but one always.
 */
const char *suggest(const char *typed, const char *const *words, size_t n_words);
