/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-config.h"

#include <fcntl.h>

#include "macro.h"

#define KEY    "HookWithoutDaemon"
#define BLANKS " \t\r\n"

/* The value of the key in this line, without comment and blanks; NULL if the line does not set the key. */
static char *line_value(char *line) {
        char *end;

        line += strspn(line, BLANKS);
        if (strncmp(line, KEY, sizeof(KEY) - 1) != 0)
                return NULL;
        line += sizeof(KEY) - 1;
        line += strspn(line, BLANKS);
        if (*line != '=')
                return NULL;
        line++;

        for (end = line; *end; end++)
                if (*end == ';' && (end[-1] == ' ' || end[-1] == '\t'))
                        break;
        while (end > line && strchr(BLANKS, end[-1]))
                end--;
        *end = 0;

        return line + strspn(line, BLANKS);
}

bool hook_config_scan(FILE *f, bool before) {
        _cleanup_free_ char *line = NULL;
        bool denies = before;
        size_t size = 0;

        while (getline(&line, &size, f) >= 0) {
                const char *value = line_value(line);

                if (value)
                        denies = !streq(value, "allow");
        }
        return denies;
}

static bool scan_file(const char *path, bool before) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_close_ int fd = -EBADF;

        /* O_NONBLOCK, so that a FIFO does not block the hook. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return before;
        f = fdopen(fd, "re");
        if (!f)
                return before;
        TAKE_FD(fd);

        return hook_config_scan(f, before);
}

bool hook_config_denies(const char *const *files) {
        bool denies = false;

        for (; *files; files++)
                denies = scan_file(*files, denies);

        return denies;
}
