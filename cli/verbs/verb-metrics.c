/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <sys/stat.h>

#include "client.h"
#include "verbs.h"

static int write_all(int fd, const char *text) {
        for (size_t left = strlen(text); left > 0;) {
                ssize_t n = write(fd, text, left);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        text += n;
                        left -= (size_t) n;
                }
        }

        return 0;
}

/*
 * Resolves the path of the file to replace: the target of a link instead of the
 * link. Returns -ENOTSUP for anything but a regular file, such as /dev/stdout.
 */
static int find_target(const char *path, char **ret) {
        struct stat st;
        char *target;

        if (stat(path, &st) < 0) {
                /* A dangling link is replaced itself. */
                if (errno != ENOENT)
                        return -errno;
                target = strdup(path);
                if (!target)
                        return -ENOMEM;
        } else {
                if (S_ISDIR(st.st_mode))
                        return -EISDIR;
                if (!S_ISREG(st.st_mode))
                        return -ENOTSUP;
                target = realpath(path, NULL);
                if (!target)
                        return -errno;
        }

        *ret = target;
        return 0;
}

/* Replaces the file atomically. The temporary name does not end in ".prom", so node_exporter ignores it. */
static int replace_file(const char *path, const char *text) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *aside = NULL;
        int r;

        if (asprintf(&aside, "%s.XXXXXX", path) < 0) {
                aside = NULL;
                return -ENOMEM;
        }

        fd = mkostemp(aside, O_CLOEXEC);
        if (fd < 0)
                return -errno;

        r = write_all(fd, text);
        if (r >= 0 && (fchmod(fd, 0644) < 0 || rename(aside, path) < 0))
                r = -errno;
        if (r < 0)
                (void) unlink(aside);
        return r;
}

CtlExitStatus verb_metrics(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(client_close) Client client = {};
        _cleanup_free_ char *target = NULL;
        CtlExitStatus status;
        const char *text;
        int r;

        /* Does not start the daemon: without it there is nothing to measure. */
        status = client_open_running(options, &client);
        if (status == CTL_EXIT_OK)
                status = client_call(&client, NULL, "GetMetrics", &reply, NULL);
        if (status == CTL_EXIT_OK)
                status = client_read(reply, "s", &text);
        if (status != CTL_EXIT_OK)
                return status;

        if (argc < 2) {
                fputs(text, stdout);
                return CTL_EXIT_OK;
        }

        r = find_target(argv[1], &target);
        if (r == -ENOTSUP)
                return fail(CTL_EXIT_FAILURE,
                        "'%s' is not a regular file and cannot be replaced; without FILE the metrics are printed.",
                        argv[1]);
        if (r >= 0)
                r = replace_file(target, text);
        if (r < 0)
                return fail(CTL_EXIT_FAILURE, "Cannot write '%s': %s.", argv[1], strerror(-r));
        return CTL_EXIT_OK;
}
