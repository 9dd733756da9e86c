/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Returns a copy of s that is safe to print on a terminal: it stays on one line
 * and the terminal does not reorder it. The bytes of control characters and of
 * invalid UTF-8 become \xHH. Backslashes are kept, because unit names contain
 * them. Returns NULL when out of memory.
 */
char *text_escape(const char *s);

/* The same, but keeps line ends. */
char *text_escape_lines(const char *s);

/* The same, but escapes everything except ASCII. */
char *text_escape_ascii(const char *s);
