/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fake-host.h"

void die(const char *what) {
        fprintf(stderr, "pasidd-bench: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

char *text_new(const char *format, ...) {
        va_list ap;
        char *s;
        int r;

        va_start(ap, format);
        r = vasprintf(&s, format, ap);
        va_end(ap);
        if (r < 0)
                die("out of memory");
        return s;
}

void machine_name(size_t i, char buf[static MACHINE_NAME_SIZE]) {
        snprintf(buf, MACHINE_NAME_SIZE, "qemu-%zu-vm%zu", i + 1, i + 1);
}

void machine_scope(size_t i, char buf[static MACHINE_NAME_SIZE]) {
        snprintf(buf, MACHINE_NAME_SIZE, "machine-qemu\\x2d%zu\\x2dvm%zu.scope", i + 1, i + 1);
}

void machine_uuid(size_t i, char buf[static MACHINE_NAME_SIZE]) {
        snprintf(buf, MACHINE_NAME_SIZE, "aaaabbbb-0000-4000-8000-%012zx", i + 1);
}

void make_file(const char *dir, const char *name, const char *text) {
        _cleanup_free_ char *path = text_new("%s/%s", dir, name);
        FILE *f;

        for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
                *p = '\0';
                (void) mkdir(path, 0755);
        }

        f = fopen(path, "we");
        if (!f || fputs(text, f) < 0 || fclose(f) != 0)
                die(path);
}

static void make_files(const char *dir, const char *directory, const char *const *files, size_t n) {
        for (size_t i = 0; i < n; i += 2) {
                _cleanup_free_ char *name = text_new("%s/%s", directory, files[i]);

                make_file(dir, name, files[i + 1]);
        }
}

static void make_vm(const char *dir, size_t i) {
        static const char *const scope_files[] = {
                "cgroup.controllers",
                "cpu memory misc\n",
                "cgroup.subtree_control",
                "",
                "misc.max",
                "pasid max\n",
                "misc.current",
                "pasid 0\n",
                "misc.peak",
                "pasid 0\n",
        };
        char scope[MACHINE_NAME_SIZE], stat_text[256], *p = stat_text;
        _cleanup_free_ char *scope_dir = NULL, *scope_path = NULL, *set_dir = NULL, *process_dir = NULL;
        _cleanup_free_ char *emulator = NULL, *pid = NULL, *id = NULL, *cgroup = NULL;
        struct stat st;

        machine_scope(i, scope);
        scope_dir = text_new("sys/fs/cgroup/machine.slice/%s", scope);
        make_files(dir, scope_dir, scope_files, ELEMENTSOF(scope_files));
        /* Where libvirt puts QEMU. */
        scope_path = text_new("%s/%s/libvirt", dir, scope_dir);
        emulator = text_new("%s/emulator", scope_path);
        if (mkdir(scope_path, 0755) < 0 || mkdir(emulator, 0755) < 0 || stat(emulator, &st) < 0)
                die(emulator);

        pid = text_new("%zu\n", FIRST_PID + i);
        id = text_new("%ju\n", (uintmax_t) st.st_ino);
        const char *const set_files[] = {
                "quota",
                "1000\n",
                "watermark",
                "0\n",
                "allocated",
                "0\n",
                "peak",
                "0\n",
                "denied",
                "0\n",
                "start_time",
                "5000\n",
                "tgid",
                pid,
                "cgroup_id",
                id,
        };
        set_dir = text_new("sys/class/vfio_pasid/set%zu", i + 1);
        make_files(dir, set_dir, set_files, ELEMENTSOF(set_files));

        p += sprintf(p, "%zu (qemu) S", FIRST_PID + i);
        for (unsigned field = 4; field < 22; field++)
                p = stpcpy(p, " 1");
        strcpy(p, " 5000 0 0\n");
        cgroup = text_new("0::/machine.slice/%s/libvirt/emulator\n", scope);
        const char *const process_files[] = { "stat", stat_text, "cgroup", cgroup };
        process_dir = text_new("proc/%zu", FIRST_PID + i);
        make_files(dir, process_dir, process_files, ELEMENTSOF(process_files));
}

void make_root(const char *dir, size_t n_vms) {
        static const char *const files[] = {
                "etc/pasidd/pasidd.conf",
                "",
                "run/pasidd/none",
                "",
                "var/lib/pasidd/none",
                "",
                "sys/module/vfio_pasid/parameters/default_quota",
                "1000\n",
                "sys/fs/cgroup/misc.capacity",
                "pasid 1048575\n",
                "sys/fs/cgroup/misc.current",
                "pasid 0\n",
                "sys/fs/cgroup/cgroup.controllers",
                "cpu memory misc\n",
                "sys/fs/cgroup/cgroup.subtree_control",
                "cpu memory misc\n",
                "sys/fs/cgroup/machine.slice/cgroup.controllers",
                "cpu memory misc\n",
                "sys/fs/cgroup/machine.slice/cgroup.subtree_control",
                "misc\n",
                "sys/fs/cgroup/machine.slice/misc.max",
                "pasid max\n",
                "sys/fs/cgroup/machine.slice/misc.current",
                "pasid 0\n",
        };
        _cleanup_free_ char *root = text_new("%s/root", dir);

        if (mkdir(root, 0755) < 0)
                die(root);
        for (size_t i = 0; i < ELEMENTSOF(files); i += 2)
                make_file(root, files[i], files[i + 1]);
        for (size_t i = 0; i < n_vms; i++)
                make_vm(root, i);
}

static void remove_files(const char *path) {
        struct dirent *de;
        DIR *d = opendir(path);

        while (d && (de = readdir(d)))
                (void) unlinkat(dirfd(d), de->d_name, 0);
        if (d)
                closedir(d);
}

void forget_run(const char *dir, size_t n_vms) {
        static const char *const directories[] = { "run/pasidd", "run/pasidd/state" };
        char scope[MACHINE_NAME_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = text_new("%s/root/%s", dir, directories[i]);

                remove_files(path);
        }
        for (size_t i = 0; i < n_vms; i++) {
                _cleanup_free_ char *name = NULL;

                machine_scope(i, scope);
                name = text_new("root/sys/fs/cgroup/machine.slice/%s/misc.max", scope);
                make_file(dir, name, "pasid max\n");
        }
}

static bool bus_answers(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;
        bool there;

        if (strlen(path) >= sizeof(address.sun_path)) {
                errno = ENAMETOOLONG;
                die(path);
        }
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                die("socket");
        there = connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0;
        close(fd);
        return there;
}

pid_t start_bus(const char *dir) {
        _cleanup_free_ char *path = text_new("%s/bus", dir), *address = text_new("unix:path=%s", path);
        _cleanup_free_ char *argument = text_new("--config-file=%s/bus.conf", dir), *config = NULL;
        pid_t pid;

        /* The limits are those of a system bus. */
        config = text_new(
                "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
                " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                "<busconfig><type>system</type><listen>%s</listen><auth>EXTERNAL</auth>"
                "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow send_type=\"method_call\"/>"
                "<allow send_type=\"signal\"/><allow receive_type=\"signal\"/>"
                "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>"
                "<allow send_requested_reply=\"true\" send_type=\"error\"/>"
                "<allow receive_type=\"method_return\"/><allow receive_type=\"error\"/>"
                "<allow receive_type=\"method_call\"/>"
                "<allow eavesdrop=\"false\"/></policy></busconfig>\n",
                address);
        make_file(dir, "bus.conf", config);

        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid == 0) {
                /* It has no rights to raise its limits, and says so. */
                if (!freopen("/dev/null", "we", stderr))
                        die("/dev/null");
                execlp("dbus-daemon", "dbus-daemon", argument, "--nofork", "--nopidfile", "--nosyslog", NULL);
                die("dbus-daemon");
        }

        for (unsigned i = 0; !bus_answers(path); i++) {
                if (i > 1000 || waitpid(pid, NULL, WNOHANG) != 0) {
                        errno = ETIMEDOUT;
                        die("dbus-daemon does not answer");
                }
                usleep(10000);
        }

        (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", address, true);
        return pid;
}
