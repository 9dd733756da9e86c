/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Stops a process at each of its system calls: forks, runs the function in the child, and calls visit(n) when the child is
 * about to make its n-th system call, counted from 1, and once more when the child has ended. visit() sees the files that
 * a process leaves behind if it is killed there.
 *
 * Skips the test if processes cannot be traced. The child ends with _exit().
 */
void step_system_calls(
        void (*function)(void *userdata), void (*visit)(unsigned n, void *userdata), void *userdata);

/* The same, but kills the child with SIGKILL before its n-th system call. */
void kill_at_system_call(unsigned n, void (*function)(void *userdata), void *userdata);
