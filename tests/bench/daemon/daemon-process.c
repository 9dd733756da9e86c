/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "bus-names.h"
#include "daemon-process.h"
#include "fake-host.h"

int make_notify_socket(const char *dir) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", dir);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                die("notify socket");
        (void) setenv("NOTIFY_SOCKET", address.sun_path, true);
        return fd;
}

/* As systemd does for a service with StandardError=journal, except that stderr is a file. */
static void connect_to_journal(const char *dir) {
        _cleanup_free_ char *path = text_new("%s/stderr", dir), *journal = text_new("%s/journal", dir);
        _cleanup_free_ char *stream = NULL;
        struct stat st;

        if (!freopen(path, "w", stderr) || fstat(STDERR_FILENO, &st) < 0)
                die(path);
        stream = text_new("%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        (void) setenv("JOURNAL_STREAM", stream, true);
        (void) setenv("PASIDD_JOURNAL_SOCKET", journal, true);
}

pid_t start_pasidd(const char *program, const char *dir, const char *log_level, bool journal) {
        _cleanup_free_ char *root = text_new("--root=%s/root", dir);
        _cleanup_free_ char *level = text_new("--log-level=%s", log_level);
        pid_t pid;

        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                if (journal)
                        connect_to_journal(dir);
                execl(program, program, root, level, NULL);
                die(program);
        }
        return pid;
}

void wait_ready(int notify) {
        struct timeval timeout = { .tv_sec = 120 };
        char text[4096];
        ssize_t n;

        (void) setsockopt(notify, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        do {
                n = recv(notify, text, sizeof(text) - 1, 0);
                if (n < 0)
                        die("pasidd does not become ready");
                text[n] = '\0';
        } while (!strstr(text, "READY=1"));
}

void stop_process(pid_t *pid) {
        if (*pid <= 0)
                return;

        (void) kill(*pid, SIGTERM);
        (void) waitpid(*pid, NULL, 0);
        *pid = 0;
}

void check(int r, const char *what) {
        if (r < 0) {
                errno = -r;
                die(what);
        }
}

void call_ping(sd_bus *bus) {
        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, "org.freedesktop.DBus.Peer",
                      "Ping", NULL, NULL, NULL),
                "Ping");
}

void call_set_quota(sd_bus *bus, const char *vm, uint32_t quota, bool runtime) {
        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, vm, PASIDD_VM_INTERFACE, "SetQuota", NULL, NULL,
                      "ua{sv}", quota, 1, "runtime", "b", runtime),
                "SetQuota");
}
