/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-config.h"

#include <dirent.h>
#include <fcntl.h>

#include "macro.h"

#define KEY    "HookWithoutDaemon"
#define BLANKS " \t\r\n"

/* The value that the line gives the key, without comment and blanks; NULL for any other line. */
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

        /* O_NONBLOCK: not even a FIFO may stop the hook. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return before;
        f = fdopen(fd, "re");
        if (!f)
                return before;
        TAKE_FD(fd);

        return hook_config_scan(f, before);
}

/* As the daemon does. */
static int is_dropin(const struct dirent *de) {
        const char *dot = strrchr(de->d_name, '.');

        return de->d_name[0] != '.' && dot && streq(dot, ".conf");
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

bool hook_config_denies(const char *main_file, const char *dropin_dir) {
        struct dirent **entries = NULL;
        bool denies;
        int n;

        denies = scan_file(main_file, false);

        n = scandir(dropin_dir, &entries, is_dropin, compare_names);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", dropin_dir, entries[i]->d_name) < 0)
                        path = NULL;
                if (path)
                        denies = scan_file(path, denies);
                free(entries[i]);
        }
        free(entries);

        return denies;
}
