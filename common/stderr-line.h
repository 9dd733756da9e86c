/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Writes "PREFIX: TEXT" and a line end to the standard error without blocking:
 * if a pipe, a terminal or a socket cannot take the line immediately, the line
 * is dropped. The line is cut to 2 KiB, which a pipe takes atomically.
 *
 * Returns 0, or a negative errno if the line was dropped.
 */
int stderr_line(const char *prefix, const char *text);
