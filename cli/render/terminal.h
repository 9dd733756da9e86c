/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Use colours on this file descriptor? True on a terminal, unless it is dumb or
 * NO_COLOR (https://no-color.org) is set. SYSTEMD_COLORS takes precedence, as in
 * systemd's tools.
 */
bool terminal_has_colors(int fd);

/* The sequences that begin and end a colour. */
#define COLOR_RED    "\033[31m"
#define COLOR_GREEN  "\033[32m"
#define COLOR_YELLOW "\033[33m"
#define COLOR_BOLD   "\033[1m"
#define COLOR_OFF    "\033[0m"

/* The colour sequence if colours are used, else "". */
static inline const char *color(bool colors, const char *sequence) {
        return colors ? sequence : "";
}
