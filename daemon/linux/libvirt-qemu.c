/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "cgroup-path.h"
#include "file-util.h"
#include "libvirt-qemu.h"
#include "proc.h"

#define LIBVIRT_RUN_DIR "/run/libvirt/qemu"

void libvirt_qemu_clear(LibvirtQemu *qemu) {
        free(qemu->machine);
        free(qemu->unit);
        free(qemu->unit_path);
        *qemu = (LibvirtQemu) {};
}

/* The directory belongs to QEMU's user, so the file must be owned by root, or in tests by our own user. */
static int read_pid_file(const char *root, const char *name, uint32_t *ret) {
        char text[sizeof("4294967295\n")];
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        uint64_t pid;
        ssize_t n;

        if (strchr(name, '/'))
                return -ENOENT;
        path = path_under(root, LIBVIRT_RUN_DIR "/%s.pid", name);
        if (!path)
                return -ENOMEM;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()))
                return -EPERM;

        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';
        if (parse_u64(text, &pid) < 0 || pid == 0 || pid > INT_MAX)
                return -EBADMSG;

        *ret = (uint32_t) pid;
        return 0;
}

/* Is shortened made from name by dropping characters and cutting it, as libvirt does for machine names? */
static bool can_be_named(const char *name, const char *shortened) {
        for (; *shortened; name++) {
                if (!*name)
                        return false;
                shortened += *name == *shortened;
        }

        return true;
}

int libvirt_qemu_find(const char *root, const char *name, LibvirtQemu *ret) {
        _cleanup_(libvirt_qemu_clear) LibvirtQemu qemu = {};
        _cleanup_free_ char *cgroup = NULL, *shortened = NULL;
        int r;

        r = read_pid_file(root, name, &qemu.pid);
        if (r < 0)
                return r;

        r = proc_get_cgroup_unverified(root, (pid_t) qemu.pid, &cgroup);
        if (r == -ESRCH)
                return -ENOENT;
        if (r < 0)
                return r;

        r = cgroup_path_get_unit(cgroup, &qemu.unit, &qemu.unit_path);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !cgroup_path_is_of_libvirt(qemu.unit_path))
                return -ENOENT;

        qemu.machine = strndup(qemu.unit, strlen(qemu.unit) - strlen(CGROUP_LIBVIRT_SUFFIX));
        if (!qemu.machine)
                return -ENOMEM;
        r = machine_name_to_vm_name(qemu.machine, &shortened);
        if (r < 0)
                return r;
        if (!can_be_named(name, shortened))
                return -ENOENT;

        *ret = qemu;
        qemu = (LibvirtQemu) {};
        return 0;
}
