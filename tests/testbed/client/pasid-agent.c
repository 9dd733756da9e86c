/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into QEMU by an emulator wrapper: on request it calls the PASID ioctl on QEMU's own VFIO container, so that the
 * mm, cgroup, user and sandbox that are charged are those of a real guest's request.
 *
 * Socket and thread are made before main(), because QEMU's seccomp sandbox comes later; the thread then only waits in
 * accept(). The emulator that libvirt starts to ask for its capabilities has no "-name guest=", and is left alone. */

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "pasid-agent.h"
#include "pasid-request.h"

/* QEMU's container is whatever descriptor of it refers to /dev/vfio/vfio; looked for at each request, since devices come
 * and go. */
static int container_find(void) {
        struct dirent *entry;
        int fd = -1;
        DIR *dir;

        dir = opendir("/proc/self/fd");
        if (!dir)
                return -1;
        while (fd < 0 && (entry = readdir(dir))) {
                char target[64];
                ssize_t n;

                n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
                if (n < 0)
                        continue;
                target[n] = '\0';
                if (strcmp(target, "/dev/vfio/vfio") == 0)
                        fd = atoi(entry->d_name);
        }
        closedir(dir);
        return fd;
}

static void serve(int connection) {
        FILE *in = fdopen(connection, "r");
        FILE *out = in ? fdopen(dup(connection), "w") : NULL;
        char line[1024];
        int container, r;

        if (out && fgets(line, sizeof(line), in)) {
                line[strcspn(line, "\n")] = '\0';
                container = container_find();
                if (container < 0) {
                        fprintf(out, "no container\n");
                        r = 3;
                } else
                        r = pasid_request_line(container, line, out);
                fprintf(out, "exit %d\n", r);
        }
        if (out)
                fclose(out);
        if (in)
                fclose(in);
        else
                close(connection);
}

static void *agent_thread(void *arg) {
        int listener = (int) (intptr_t) arg;

        for (;;) {
                int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                if (connection >= 0)
                        serve(connection);
        }
        return NULL;
}

/* The VM's name from "-name guest=NAME,…" on the command line. */
static int vm_name(char *ret, size_t size) {
        static char buffer[65536];
        const char *next = NULL;
        size_t n;
        FILE *f;

        f = fopen("/proc/self/cmdline", "re");
        if (!f)
                return -1;
        n = fread(buffer, 1, sizeof(buffer) - 1, f);
        fclose(f);
        for (const char *arg = buffer; arg < buffer + n; arg += strlen(arg) + 1) {
                if (next && strcmp(next, "-name") == 0 && strncmp(arg, "guest=", 6) == 0) {
                        size_t length = strcspn(arg + 6, ",");

                        if (length == 0 || length >= size)
                                return -1;
                        memcpy(ret, arg + 6, length);
                        ret[length] = '\0';
                        return 0;
                }
                next = arg;
        }
        return -1;
}

__attribute__((constructor)) static void agent_start(void) {
        struct sockaddr_un address;
        sigset_t all, old;
        pthread_t thread;
        socklen_t length;
        char name[64];
        int listener, r;

        if (vm_name(name, sizeof(name)) < 0)
                return;
        /* Nothing that QEMU starts shall have an agent. */
        unsetenv("LD_PRELOAD");

        length = pasid_agent_address(&address, name);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (length == 0 || listener < 0 || bind(listener, (struct sockaddr *) &address, length) < 0 ||
                listen(listener, 8) < 0) {
                perror("pasid-agent");
                return;
        }

        /* QEMU's signals are for QEMU's threads. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&thread, NULL, agent_thread, (void *) (intptr_t) listener);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r != 0)
                fprintf(stderr, "pasid-agent: pthread_create: %s\n", strerror(r));
}
