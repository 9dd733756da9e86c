/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Writes "PREFIX: TEXT" and a line end to the standard error, and does not wait
 * for whoever reads it: what a full pipe, a stopped terminal or a full socket
 * does not take is dropped. Cut to 2 KiB, which a pipe takes whole or not.
 *
 * Returns 0, or a negative errno if the line was dropped.
 */
int stderr_line(const char *prefix, const char *text);
