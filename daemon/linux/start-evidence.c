/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "cgroup-path.h"
#include "file-util.h"
#include "proc.h"
#include "start-evidence.h"

#define LIBVIRT_STATUS_DIR "/run/libvirt/qemu"

const char *start_evidence_to_string(StartEvidence evidence) {
        static const char *const table[_START_EVIDENCE_MAX] = {
                [START_EVIDENCE_NONE] = "nothing",
                [START_EVIDENCE_LIBVIRT] = "the libvirt daemon that announced it",
                [START_EVIDENCE_STATUS] = "libvirt's status file of it",
        };

        return (unsigned) evidence < _START_EVIDENCE_MAX ? table[evidence] : NULL;
}

/* The directory belongs to QEMU's user, so the file must be owned by root, or in tests by our own user. */
static bool has_status(const char *root, const char *name) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (strchr(name, '/'))
                return false;

        path = path_under(root, LIBVIRT_STATUS_DIR "/%s.xml", name);
        return path && lstat(path, &st) >= 0 && S_ISREG(st.st_mode) &&
               (st.st_uid == 0 || st.st_uid == geteuid());
}

/* Processes in user sessions do not count: no system VM depends on them. */
static bool is_of_system(const char *root, pid_t pid) {
        _cleanup_free_ char *cgroup = NULL;

        return proc_get_cgroup_unverified(root, pid, &cgroup) >= 0 &&
               !cgroup_path_is_below(cgroup, "/user.slice");
}

static bool announcer_is_running(const char *root, const Announcement *announced) {
        uint64_t start_time;

        return announced && announced->libvirt_pid > 0 &&
               proc_get_start_time(root, (pid_t) announced->libvirt_pid, &start_time) >= 0 &&
               start_time == announced->libvirt_start_time &&
               is_of_system(root, (pid_t) announced->libvirt_pid);
}

StartEvidence start_evidence_find(const char *root, const char *name, const Announcement *announced) {
        if (has_status(root, name))
                return START_EVIDENCE_STATUS;
        if (announcer_is_running(root, announced))
                return START_EVIDENCE_LIBVIRT;

        return START_EVIDENCE_NONE;
}
