/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "kill-step.h"
#include "test-util.h"

#define EXIT_NOT_TRACED 77

/* With PTRACE_O_TRACESYSGOOD, distinguishes stops at system calls from stops by signals. */
#define SYSTEM_CALL_STOP (SIGTRAP | 0x80)

static void run_child(void (*function)(void *userdata), void *userdata) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                _exit(EXIT_NOT_TRACED);

        (void) raise(SIGSTOP);
        function(userdata);
        _exit(EXIT_SUCCESS);
}

static int wait_child(pid_t pid) {
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_TRACED)
                skip();
        return status;
}

static pid_t start_child(void (*function)(void *userdata), void *userdata) {
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                run_child(function, userdata);

        status = wait_child(pid);
        assert_true(WIFSTOPPED(status));
        assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
        return pid;
}

/* Runs the child to the beginning or the end of a system call. Returns false if the child has ended. */
static bool run_to_stop(pid_t pid) {
        int status;

        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        status = wait_child(pid);
        if (WIFEXITED(status)) {
                assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
                return false;
        }

        assert_true(WIFSTOPPED(status));
        assert_int_equal(WSTOPSIG(status), SYSTEM_CALL_STOP);
        return true;
}

void step_system_calls(
        void (*function)(void *userdata), void (*visit)(unsigned n, void *userdata), void *userdata) {
        pid_t pid = start_child(function, userdata);
        unsigned n = 1;

        for (; run_to_stop(pid); n++) {
                visit(n, userdata);
                /* The last system call, exit_group(), does not return. */
                if (!run_to_stop(pid))
                        break;
        }
        visit(n + 1, userdata);
}

void kill_at_system_call(unsigned n, void (*function)(void *userdata), void *userdata) {
        pid_t pid = start_child(function, userdata);

        for (unsigned i = 1; i < 2 * n; i++)
                if (!run_to_stop(pid))
                        return;

        assert_int_equal(kill(pid, SIGKILL), 0);
        (void) wait_child(pid);
}
