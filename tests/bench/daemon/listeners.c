/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-bus.h>

#include "bus-names.h"
#include "daemon-process.h"
#include "fake-host.h"
#include "listeners.h"
#include "macro.h"

static pid_t fork_child(void) {
        pid_t pid = fork();

        if (pid < 0)
                die("fork");
        if (pid == 0)
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        return pid;
}

static void count_record(Listeners *l, const char *text) {
        const char *message = strstr(text, "MESSAGE=");
        unsigned long long n;

        l->records++;
        if (message && sscanf(message, "MESSAGE=%llu records were dropped", &n) == 1)
                l->dropped += n;
        if (message && strstr(message, "suspending signals"))
                l->suspensions++;
}

static void read_journal(Listeners *l, int fd) {
        char text[65536];
        ssize_t n;

        while ((n = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
                text[n] = '\0';
                count_record(l, text);
        }
        die("journal socket");
}

Listeners *start_journal(const char *dir) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Listeners *l;
        pid_t pid;
        int fd;

        l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (l == MAP_FAILED)
                die("memory");
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/journal", dir);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                die("journal socket");

        pid = fork_child();
        if (pid == 0)
                read_journal(l, fd);
        l->journal = pid;
        close(fd);
        return l;
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *member = sd_bus_message_get_member(message);
        Listeners *l = userdata;

        if (streq(member, "QuotaExceeded") || streq(member, "WatermarkReached"))
                l->events++;
        else
                l->others++;
        return 0;
}

static void read_signals(Listeners *l) {
        sd_bus *bus;
        int r;

        check(sd_bus_open_system(&bus), "bus");
        check(sd_bus_add_match(bus, NULL, "type='signal',sender='" PASIDD_BUS_NAME "'", on_signal, l),
                "AddMatch");
        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE,
                      "Subscribe", NULL, NULL, NULL),
                "Subscribe");
        l->subscribed = true;

        for (;;) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                check(r, "the subscriber");
        }
}

void start_subscriber(Listeners *l) {
        pid_t pid = fork_child();

        if (pid == 0)
                read_signals(l);
        l->subscriber = pid;

        for (unsigned i = 0; !l->subscribed; i++) {
                if (i > 30000) {
                        errno = ETIMEDOUT;
                        die("Subscribe");
                }
                usleep(1000);
        }
}

void stop_listeners(Listeners *l) {
        stop_process(&l->subscriber);
        stop_process(&l->journal);
        (void) munmap(l, sizeof(*l));
}
