/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A copy of s that is safe to print on a terminal, stays on one line and does
 * not reorder it: the bytes of control characters, and those that are no UTF-8,
 * become \xHH.
 * Backslashes stay as they are, for unit names are full of them. NULL when out
 * of memory.
 */
char *text_escape(const char *s);

/* The same for text of several lines. */
char *text_escape_lines(const char *s);

/* The same with nothing but ASCII in it. */
char *text_escape_ascii(const char *s);
