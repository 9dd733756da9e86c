/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Edit distance between a and b in bytes: substitutions, insertions, deletions
 * and swaps of neighbours. Ignores case. SIZE_MAX when out of memory.
 */
size_t edit_distance(const char *a, const char *b);

/*
 * Returns the word that is closest to what was typed, NULL if none is close.
 * Close means that at most a third of the bytes differ, or one byte.
 */
const char *suggest(const char *typed, const char *const *words, size_t n_words);
