/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup-path.h"
#include "file-util.h"
#include "proc.h"

/* Reads a number from /proc/PID/stat. number: the field's number in proc(5). */
static int read_stat_field(const char *root, pid_t pid, unsigned number, uint64_t *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        char *p, *field, *saveptr = NULL;
        int r;

        path = path_under(root, "/proc/%i/stat", (int) pid);
        if (!path)
                return -ENOMEM;

        r = read_text_file(path, &text);
        if (r < 0)
                return errno_is_gone(r) ? -ESRCH : r;

        /* The second field is the command in parentheses, which may contain blanks and parentheses. */
        p = strrchr(text, ')');
        if (!p)
                return -EBADMSG;

        field = strtok_r(p + 1, " \n", &saveptr); /* the third field */
        for (unsigned i = 3; field && i < number; i++)
                field = strtok_r(NULL, " \n", &saveptr);
        if (!field)
                return -EBADMSG;

        return parse_u64(field, ret) < 0 ? -EBADMSG : 0;
}

int proc_get_start_time(const char *root, pid_t pid, uint64_t *ret) {
        return read_stat_field(root, pid, 22, ret);
}

int proc_get_parent(const char *root, pid_t pid, pid_t *ret) {
        uint64_t parent;
        int r;

        r = read_stat_field(root, pid, 4, &parent);
        if (r < 0)
                return r;

        *ret = (pid_t) parent;
        return 0;
}

int proc_get_cgroup_unverified(const char *root, pid_t pid, char **ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r;

        path = path_under(root, "/proc/%i/cgroup", (int) pid);
        if (!path)
                return -ENOMEM;

        r = read_text_file(path, &text);
        if (r < 0)
                return errno_is_gone(r) ? -ESRCH : r;

        return proc_cgroup_parse(text, ret);
}

int proc_get_cgroup(const char *root, pid_t pid, uint64_t start_time, char **ret) {
        _cleanup_free_ char *cgroup = NULL;
        uint64_t before, after;
        int r;

        r = proc_get_start_time(root, pid, &before);
        if (r < 0)
                return r;

        r = proc_get_cgroup_unverified(root, pid, &cgroup);
        if (r < 0)
                return r;

        r = proc_get_start_time(root, pid, &after);
        if (r < 0)
                return r;

        if (before != start_time || after != start_time)
                return -ESRCH;

        *ret = TAKE_PTR(cgroup);
        return 0;
}
