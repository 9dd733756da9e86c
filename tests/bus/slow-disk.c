/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * For LD_PRELOAD: a disk that is slow, or broken, as the files in the directory
 * $SLOW_DISK say:
 *
 *     hold              fsync() below $SLOW_DISK_ROOT/var returns once this is gone
 *     hold-etc          opening a file below $SLOW_DISK_ROOT/etc takes until this is gone
 *     fail-file-N       the Nth fsync() of a file there fails with EIO
 *     fail-directory-N  likewise, of a directory
 *     fail-fs-N         likewise the Nth syncfs(), which "hold" keeps, too
 *     fail-rename-N     the Nth rename() to a state file below $SLOW_DISK_ROOT/run fails with ENOSPC
 *
 * What is synced is written to the file "synced" there, a path in each line: all
 * that is, wherever it is. What the event loop's thread opens below
 * $SLOW_DISK_ROOT is written to the file "opened".
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Only the daemon's one writer syncs, and only its event loop renames in /run. */
static unsigned n_files, n_directories, n_file_systems, n_renames;

static bool exists(const char *name) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", getenv("SLOW_DISK"), name);
        return access(path, F_OK) >= 0;
}

static bool fails(const char *what, unsigned n) {
        char name[64];

        snprintf(name, sizeof(name), "fail-%s-%u", what, n);
        return exists(name);
}

/* directory: "" for all of the root */
static bool is_below(const char *path, const char *directory) {
        char prefix[PATH_MAX];
        int n = snprintf(prefix, sizeof(prefix), "%s/%s", getenv("SLOW_DISK_ROOT"), directory);

        return strncmp(path, prefix, (size_t) n) == 0;
}

static int real_openat(int directory, const char *path, int flags, mode_t mode) {
        return (int) syscall(SYS_openat, directory, path, flags, mode);
}

static void note(const char *file, const char *path) {
        char log[PATH_MAX], line[PATH_MAX + 1];
        int n = snprintf(line, sizeof(line), "%s\n", path), fd;

        snprintf(log, sizeof(log), "%s/%s", getenv("SLOW_DISK"), file);
        fd = real_openat(AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, line, (size_t) n) != n)
                abort();
        close(fd);
}

int openat(int directory, const char *path, int flags, ...) {
        mode_t mode = 0;

        if (flags & O_CREAT) {
                va_list ap;

                va_start(ap, flags);
                mode = va_arg(ap, mode_t);
                va_end(ap);
        }

        if (getenv("SLOW_DISK") && gettid() == getpid() && is_below(path, ""))
                note("opened", path + strlen(getenv("SLOW_DISK_ROOT")));
        while (getenv("SLOW_DISK") && is_below(path, "etc/") && exists("hold-etc"))
                usleep(2000);
        return real_openat(directory, path, flags, mode);
}

int open(const char *path, int flags, ...) {
        mode_t mode = 0;

        if (flags & O_CREAT) {
                va_list ap;

                va_start(ap, flags);
                mode = va_arg(ap, mode_t);
                va_end(ap);
        }
        return openat(AT_FDCWD, path, flags, mode);
}

/* The path of what is to be synced. Returns whether it is on the disk. */
static bool begin_sync(int fd, const char *prefix) {
        char link[64], path[PATH_MAX] = "", line[PATH_MAX + 16];

        snprintf(link, sizeof(link), "/proc/self/fd/%i", fd);
        if (readlink(link, path, sizeof(path) - 1) < 0)
                abort();

        snprintf(line, sizeof(line), "%s%s", prefix, path);
        note("synced", line);
        if (!is_below(path, "var/"))
                return false;

        while (exists("hold"))
                usleep(2000);
        return true;
}

int fsync(int fd) {
        struct stat st;
        bool broken;

        if (!begin_sync(fd, ""))
                return 0;
        if (fstat(fd, &st) < 0)
                return -1;

        broken = S_ISDIR(st.st_mode) ? fails("directory", ++n_directories) : fails("file", ++n_files);
        if (broken) {
                errno = EIO;
                return -1;
        }
        return (int) syscall(SYS_fsync, fd);
}

int syncfs(int fd) {
        if (begin_sync(fd, "fs ") && fails("fs", ++n_file_systems)) {
                errno = EIO;
                return -1;
        }
        return 0;
}

int rename(const char *from, const char *to) {
        if (is_below(to, "run/") && strstr(to, "/state/") && fails("rename", ++n_renames)) {
                errno = ENOSPC;
                return -1;
        }
        return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
