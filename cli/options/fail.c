/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

#include "text-escape.h"

CtlExitStatus fail(CtlExitStatus status, const char *format, ...) {
        _cleanup_free_ char *text = NULL, *escaped = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        /* Escaped, so that an argument cannot send control sequences to the terminal. */
        escaped = text ? text_escape_lines(text) : NULL;

        /* Keeps the order of output and message where both go to one file. */
        fflush(stdout);

        fprintf(stderr, "pasidctl: %s\n", escaped ?: "Out of memory.");

        return status;
}

CtlExitStatus fail_oom(void) {
        return fail(CTL_EXIT_FAILURE, "Out of memory.");
}
