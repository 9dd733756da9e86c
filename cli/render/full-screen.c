/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "full-screen.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "clock.h"

#define SCREEN_ENTER_TEXT                                                                                    \
        "\033[?1049h\033[?25l\033[?7l" /* alternate screen, no cursor, truncate long lines */
#define SCREEN_LEAVE_TEXT "\033[?7h\033[?25h\033[?1049l"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH };

struct FullScreen {
        struct termios saved;
        sigset_t mask_before;
        int signal_fd;
        int stderr_fd; /* the real stderr while the screen is in use, else negative */
};

bool full_screen_possible(void) {
        const char *term = getenv("TERM");

        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !isempty(term) && !streq(term, "dumb");
}

/* Messages would vanish with the alternate screen: keep them in a file until it is left. */
static int stderr_put_off(FullScreen *s) {
        _cleanup_close_ int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        _cleanup_close_ int file = memfd_create("stderr", MFD_CLOEXEC);

        if (saved < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0)
                return -errno;

        s->stderr_fd = TAKE_FD(saved);
        return 0;
}

static void stderr_let_go(FullScreen *s) {
        _cleanup_close_ int saved = TAKE_FD(s->stderr_fd), file = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        off_t offset = 0;

        (void) dup2(saved, STDERR_FILENO);
        while (sendfile(STDERR_FILENO, file, &offset, 4096) > 0)
                ;
}

/* Read keys without waiting for RETURN and without echo. */
static int enter(FullScreen *s) {
        struct termios raw;
        int r;

        if (tcgetattr(STDIN_FILENO, &s->saved) < 0)
                return -errno;

        r = stderr_put_off(s);
        if (r < 0)
                return r;

        raw = s->saved;
        raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0) {
                r = -errno;
                stderr_let_go(s);
                return r;
        }

        fputs(SCREEN_ENTER_TEXT, stdout);
        (void) fflush(stdout);
        return 0;
}

static void leave(FullScreen *s) {
        if (s->stderr_fd < 0)
                return;

        fputs(SCREEN_LEAVE_TEXT, stdout);
        (void) fflush(stdout);
        (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &s->saved);
        stderr_let_go(s);
}

int full_screen_open(FullScreen **ret) {
        FullScreen *s;
        sigset_t mask;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->signal_fd = s->stderr_fd = -EBADF;
        (void) sigemptyset(&mask);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                (void) sigaddset(&mask, signals[i]);
        if (sigprocmask(SIG_BLOCK, &mask, &s->mask_before) < 0) {
                r = -errno;
                free(s);
                return r;
        }

        s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        r = s->signal_fd < 0 ? -errno : enter(s);
        if (r < 0) {
                full_screen_close(s);
                return r;
        }

        *ret = s;
        return 0;
}

FullScreen *full_screen_close(FullScreen *s) {
        if (!s)
                return NULL;

        leave(s);
        if (s->signal_fd >= 0)
                close(s->signal_fd);
        (void) sigprocmask(SIG_SETMASK, &s->mask_before, NULL);
        free(s);
        return NULL;
}

/* Delivers the signal as if it were not blocked. Returns if the process was stopped and continued. */
static void deliver(int signal_number) {
        sigset_t only;

        (void) sigemptyset(&only);
        (void) sigaddset(&only, signal_number);
        (void) raise(signal_number);
        (void) sigprocmask(SIG_UNBLOCK, &only, NULL);
        (void) sigprocmask(SIG_BLOCK, &only, NULL);
}

static int take_signal(FullScreen *s) {
        struct signalfd_siginfo info;
        int r;

        if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
                return errno == EAGAIN || errno == EINTR ? SCREEN_TIMEOUT : -errno;

        switch (info.ssi_signo) {

        case SIGTSTP:
        case SIGQUIT:
                leave(s);
                deliver((int) info.ssi_signo);
                r = enter(s);
                return r < 0 ? r : SCREEN_REPAINT;

        case SIGCONT:
                /* Also after SIGSTOP, which cannot be caught: the shell has used the terminal since. */
                leave(s);
                r = enter(s);
                return r < 0 ? r : SCREEN_REPAINT;

        case SIGWINCH:
                return SCREEN_REPAINT;

        default:
                return SCREEN_LEAVE;
        }
}

int full_screen_wait(FullScreen *s, uint64_t timeout_usec, char *ret_key) {
        const struct timespec timeout = {
                .tv_sec = (time_t) (timeout_usec / USEC_PER_SEC),
                .tv_nsec = (long) (timeout_usec % USEC_PER_SEC * 1000),
        };
        struct pollfd pollfds[] = {
                { .fd = s->signal_fd, .events = POLLIN },
                { .fd = STDIN_FILENO, .events = POLLIN },
        };
        char key;
        int r;

        r = ppoll(pollfds, ELEMENTSOF(pollfds), &timeout, NULL);
        if (r < 0)
                return errno == EINTR ? SCREEN_TIMEOUT : -errno;
        if (r == 0)
                return SCREEN_TIMEOUT;
        if (pollfds[0].revents)
                return take_signal(s);
        if (read(STDIN_FILENO, &key, 1) != 1)
                return SCREEN_LEAVE;

        *ret_key = key;
        return SCREEN_KEY;
}
