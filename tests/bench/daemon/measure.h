/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Times, their statistics, and figures of a process. All of these end the program when they fail. */

double now_usec(void);

/* Sort the values. n is at least 1. */
double median(double *values, size_t n);
double percentile(double *values, size_t n, unsigned percent);

#define NO_GOAL (-1.0)

void report(const char *what, double value, const char *unit, double goal);

/* A number out of a line "NAME: NUMBER" of /proc/PID/status. */
uint64_t read_status(pid_t pid, const char *name);

/* Time on a CPU so far of the process's first thread, in milliseconds. */
double read_cpu_msec(pid_t pid);
