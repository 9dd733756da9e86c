/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-deadline.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "clock.h"
#include "macro.h"
#include "text-escape.h"

/* When the alarm ends the process. */
#define HARD_DEADLINE_SEC 2
#define HARD_DEADLINE_MAX 600

/* Message and exit status for the signal handler. */
static char alarm_text[512];
static volatile sig_atomic_t alarm_status = CTL_EXIT_OK;

static void on_alarm(int signal_number) {
        struct pollfd pollfd = { .fd = STDERR_FILENO, .events = POLLOUT };

        /* Do not block on a full pipe. */
        if (poll(&pollfd, 1, 0) > 0)
                (void) !write(STDERR_FILENO, alarm_text, strlen(alarm_text));
        _exit(alarm_status);
}

unsigned hook_deadline_seconds(void) {
        const char *seconds = secure_getenv("PASIDCTL_HOOK_SECONDS");
        unsigned long n = isempty(seconds) ? 0 : strtoul(seconds, NULL, 10);

        return n > 0 && n <= HARD_DEADLINE_MAX ? (unsigned) n : HARD_DEADLINE_SEC;
}

int hook_deadline_arm(const char *name, unsigned seconds) {
        const struct itimerval timer = { .it_value.tv_sec = seconds };
        struct sigaction action = { .sa_handler = on_alarm }, ignore = { .sa_handler = SIG_IGN };
        _cleanup_free_ char *escaped = text_escape(name);
        sigset_t set;

        if (!escaped)
                return -ENOMEM;
        snprintf(alarm_text, sizeof(alarm_text),
                "pasidctl: The libvirt hook gave up on '%.255s': the system bus or pasidd does not answer.\n",
                escaped);

        /* A closed stderr must not kill the hook, which libvirt would count as a failure. */
        if (sigaction(SIGPIPE, &ignore, NULL) < 0)
                return -errno;
        /* The signal's handler and mask can be inherited. */
        if (sigaction(SIGALRM, &action, NULL) < 0)
                return -errno;
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        if (sigprocmask(SIG_UNBLOCK, &set, NULL) < 0)
                return -errno;
        if (setitimer(ITIMER_REAL, &timer, NULL) < 0)
                return -errno;
        return 0;
}

CtlExitStatus hook_decide(CtlExitStatus status) {
        alarm_status = status;
        return status;
}

uint64_t hook_time_left(uint64_t deadline) {
        uint64_t now = now_monotonic_usec();

        return now < deadline ? deadline - now : 0;
}
