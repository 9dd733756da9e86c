/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <fcntl.h>
#include <strings.h>

#include "cgroup-path.h"
#include "file-util.h"
#include "proc.h"
#include "start-evidence.h"

DEFINE_CLEANUP_FUNC(DIR *, closedir, closedirp);

/* QEMU's -uuid comes early among arguments that can fill pages. */
#define COMMAND_LINE_MAX (64U * 1024U)

#define LIBVIRT_STATUS_DIR "/run/libvirt/qemu"

const char *start_evidence_to_string(StartEvidence evidence) {
        static const char *const table[_START_EVIDENCE_MAX] = {
                [START_EVIDENCE_NONE] = "nothing",
                [START_EVIDENCE_LIBVIRT] = "the libvirt daemon that announced it",
                [START_EVIDENCE_HOOK] = "a hook of libvirt that runs for it",
                [START_EVIDENCE_STATUS] = "libvirt's status of it",
                [START_EVIDENCE_QEMU] = "its QEMU",
        };

        return (unsigned) evidence < _START_EVIDENCE_MAX ? table[evidence] : NULL;
}

/* The arguments with a NUL behind each, one more at the end. Negative errno, or the size. */
static ssize_t read_command_line(const char *root, const char *pid, char buf[static COMMAND_LINE_MAX + 2]) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;
        size_t size = 0;
        ssize_t n;

        path = path_under(root, "/proc/%s/cmdline", pid);
        if (!path)
                return -ENOMEM;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        while (size < COMMAND_LINE_MAX) {
                n = read(fd, buf + size, COMMAND_LINE_MAX - size);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
        }

        buf[size] = buf[size + 1] = '\0';
        return (ssize_t) size;
}

static const char *next_argument(const char *argument, const char *end) {
        argument += strlen(argument) + 1;
        return argument < end ? argument : NULL;
}

static bool is_start(const char *operation) {
        return streq_ptr(operation, "prepare") || streq_ptr(operation, "start") ||
               streq_ptr(operation, "migrate") || streq_ptr(operation, "restore");
}

/* "… -uuid UUID …", or "HOOK NAME prepare begin …" */
static StartEvidence judge_command_line(const char *args, size_t size, const char *uuid, const char *name) {
        const char *end = args + size;

        for (const char *arg = args; arg && arg < end; arg = next_argument(arg, end)) {
                const char *second = next_argument(arg, end);
                const char *third = second ? next_argument(second, end) : NULL;

                if (streq(arg, "-uuid") && second && strcasecmp(second, uuid) == 0)
                        return START_EVIDENCE_QEMU;
                if (streq(arg, name) && is_start(second) && streq_ptr(third, "begin"))
                        return START_EVIDENCE_HOOK;
        }

        return START_EVIDENCE_NONE;
}

static bool is_of_user(const char *root, const char *pid) {
        _cleanup_free_ char *cgroup = NULL;

        return proc_get_cgroup_unverified(root, (pid_t) atoi(pid), &cgroup) < 0 ||
               cgroup_path_is_below(cgroup, "/user.slice");
}

static StartEvidence look_at_processes(const char *root, const char *uuid, const char *name) {
        _cleanup_free_ char *path = NULL, *args = NULL;
        _cleanup_(closedirp) DIR *d = NULL;
        StartEvidence best = START_EVIDENCE_NONE;
        struct dirent *de;

        path = path_under(root, "/proc");
        args = malloc(COMMAND_LINE_MAX + 2);
        if (!path || !args)
                return START_EVIDENCE_NONE;

        d = opendir(path);
        if (!d)
                return START_EVIDENCE_NONE;

        while (best < START_EVIDENCE_QEMU && (de = readdir(d))) {
                StartEvidence evidence;
                ssize_t size;

                if (strspn(de->d_name, "0123456789") != strlen(de->d_name))
                        continue;

                size = read_command_line(root, de->d_name, args);
                if (size <= 0)
                        continue;

                evidence = judge_command_line(args, (size_t) size, uuid, name);
                if (evidence > best && !is_of_user(root, de->d_name))
                        best = evidence;
        }

        return best;
}

static bool has_status(const char *root, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (strchr(name, '/'))
                return false;

        path = path_under(root, LIBVIRT_STATUS_DIR "/%s.xml", name);
        return path && access(path, F_OK) >= 0;
}

static bool lives(const char *root, const Announcement *announced) {
        uint64_t start_time;

        return announced && announced->libvirt_pid > 0 &&
               proc_get_start_time(root, (pid_t) announced->libvirt_pid, &start_time) >= 0 &&
               start_time == announced->libvirt_start_time;
}

StartEvidence start_evidence_find(
        const char *root, const char *uuid, const char *name, const Announcement *announced) {
        StartEvidence evidence = look_at_processes(root, uuid, name);

        if (evidence < START_EVIDENCE_STATUS && has_status(root, name))
                return START_EVIDENCE_STATUS;
        if (evidence == START_EVIDENCE_NONE && lives(root, announced))
                return START_EVIDENCE_LIBVIRT;

        return evidence;
}
