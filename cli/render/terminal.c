/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "terminal.h"

#include "ascii.h"
#include "macro.h"

bool terminal_has_colors(int fd) {
        static const char *const no[] = { "0", "no", "n", "false", "f", "off" };
        const char *e;

        e = getenv("SYSTEMD_COLORS");
        /* Values such as "auto-16" give the number of colours, which does not matter here. */
        if (!isempty(e) && !ascii_is_prefix_case(e, "auto")) {
                for (size_t i = 0; i < ELEMENTSOF(no); i++)
                        if (ascii_streq_case(e, no[i]))
                                return false;
                return true;
        }

        if (!isempty(getenv("NO_COLOR")) || streq_ptr(getenv("TERM"), "dumb"))
                return false;
        return isatty(fd);
}
