/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "read-input.h"

#include <fcntl.h>

#include "fail.h"
#include "text-escape.h"

CtlExitStatus read_input(const char *path, size_t size_max, const char *hint, char **ret, size_t *ret_size) {
        _cleanup_free_ char *buffer = NULL, *escaped = text_escape(path);
        _cleanup_fclose_ FILE *f = NULL;
        size_t n;

        if (!escaped)
                return fail_oom();
        f = streq(path, "-") ? fdopen(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "re") : fopen(path, "re");
        if (!f)
                return fail(CTL_EXIT_FAILURE, "Cannot open %s: %s. %s", escaped, strerror(errno), hint);
        buffer = malloc(size_max + 2);
        if (!buffer)
                return fail_oom();
        n = fread(buffer, 1, size_max + 1, f);
        if (ferror(f))
                return fail(CTL_EXIT_FAILURE, "Cannot read %s: %s. %s", escaped, strerror(errno), hint);
        buffer[n] = 0;

        *ret = TAKE_PTR(buffer);
        *ret_size = n;
        return CTL_EXIT_OK;
}
