/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* A process between stdout and the terminal that lets people scroll. */
typedef struct Pager {
        pid_t pid; /* 0: none */
        int saved; /* what stdout was */
} Pager;

#define PAGER_NONE (Pager){ .saved = -1 }

/*
 * Starts one and makes it stdout, if stdout is a terminal and the environment
 * is for it: SYSTEMD_PAGER, else PAGER, else less(1); "cat" or nothing is none.
 * Where it cannot be started the output goes to the terminal as it is.
 */
void pager_open(Pager *pager);

/* Lets it show the rest, and waits until the user leaves it. */
void pager_close(Pager *pager);
