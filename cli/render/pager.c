/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pager.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <systemd/sd-login.h>

#include "macro.h"

#define WORDS_MAX 16

/* The defaults of systemd: quit if the output fits on the screen, do not clear the screen, pass colours on. */
#define LESS_OPTIONS "FRSXMK"

/* The pager of the user; NULL: none. */
static const char *pager_command(void) {
        const char *term = getenv("TERM");
        static const char *const variables[] = { "SYSTEMD_PAGER", "PAGER" };

        /* The pager cannot scroll there and would wait for a key after each screen. */
        if (isempty(term) || streq(term, "dumb"))
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                const char *e = getenv(variables[i]);

                if (e)
                        return isempty(e) || streq(e, "cat") ? NULL : e;
        }
        return "less";
}

/*
 * Does this process have more privileges than the user at the terminal? Then the
 * pager must not provide a shell. Compares with the login user, and checks the
 * variables of sudo, pkexec and doas on systems without a login uid.
 */
static bool is_elevated(void) {
        static const char *const variables[] = { "SUDO_UID", "PKEXEC_UID", "DOAS_USER" };
        uid_t uid;

        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                if (getenv(variables[i]))
                        return true;

        return geteuid() != getuid() || (sd_pid_get_owner_uid(0, &uid) >= 0 && uid != geteuid());
}

static _Noreturn void pager_exec(const char *command) {
        char *words[WORDS_MAX + 1] = {}, *copy, *state;
        size_t n = 0;

        /* The pager ends with its parent. */
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        (void) setenv("LESS", getenv("SYSTEMD_LESS") ?: LESS_OPTIONS, true);
        (void) setenv("LESSSECURE", "1", true);

        copy = strdup(is_elevated() ? "less" : command);
        if (!copy)
                _exit(EXIT_FAILURE);
        for (char *w = strtok_r(copy, " \t", &state); w && n < WORDS_MAX; w = strtok_r(NULL, " \t", &state))
                words[n++] = w;
        if (n > 0)
                execvp(words[0], words);

        /* No pager is available: pass the output through. */
        execlp("cat", "cat", NULL);
        _exit(EXIT_FAILURE);
}

void pager_open(Pager *pager) {
        const char *command = pager_command();
        int fds[2], saved;
        pid_t pid;

        if (!command || !isatty(STDOUT_FILENO))
                return;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return;

        saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        pid = saved < 0 ? -1 : fork();
        if (pid == 0) {
                (void) dup2(fds[0], STDIN_FILENO);
                pager_exec(command);
        }
        if (pid > 0 && dup2(fds[1], STDOUT_FILENO) >= 0) {
                /* Leaving the pager early is not an error. */
                (void) signal(SIGPIPE, SIG_DFL);
                *pager = (Pager) { .pid = pid, .saved = saved };
                saved = -1;
        }

        close(fds[0]);
        close(fds[1]);
        if (saved >= 0)
                close(saved);
}

void pager_close(Pager *pager) {
        if (pager->pid == 0)
                return;

        (void) fflush(stdout);
        (void) dup2(pager->saved, STDOUT_FILENO);
        close(pager->saved);
        while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        *pager = PAGER_NONE;
}
