/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "terminal.h"

#include <strings.h>

#include "macro.h"

bool terminal_has_colors(int fd) {
        static const char *const no[] = { "0", "no", "n", "false", "f", "off" };
        const char *e;

        e = getenv("SYSTEMD_COLORS");
        if (!isempty(e)) {
                for (size_t i = 0; i < ELEMENTSOF(no); i++)
                        if (strcasecmp(e, no[i]) == 0)
                                return false;
                return true;
        }

        if (!isempty(getenv("NO_COLOR")) || streq_ptr(getenv("TERM"), "dumb"))
                return false;
        return isatty(fd);
}
