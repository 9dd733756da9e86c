/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Stops a process at each of its system calls: forks, has the child run the function, and calls visit(n) whenever the child
 * is about to make its system call number n, from 1, and once more when it has ended. What a process leaves that is killed
 * there, between two system calls, is what visit() finds.
 *
 * Skips the test where processes cannot be traced. The child ends by _exit().
 */
void step_system_calls(
        void (*function)(void *userdata), void (*visit)(unsigned n, void *userdata), void *userdata);

/* The same, and kills the child with SIGKILL instead of its system call number n. */
void kill_at_system_call(unsigned n, void (*function)(void *userdata), void *userdata);
