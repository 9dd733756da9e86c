/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* A pager process between stdout and the terminal. */
typedef struct Pager {
        pid_t pid; /* 0: none */
        int saved; /* the original stdout */
} Pager;

#define PAGER_NONE (Pager){ .saved = -1 }

/*
 * Starts a pager and redirects stdout to it, if stdout is a terminal. The pager is
 * SYSTEMD_PAGER, else PAGER, else less(1); "cat" or an empty value means none. If
 * it cannot be started, the output goes to the terminal.
 */
void pager_open(Pager *pager);

/* Closes stdout and waits until the user leaves the pager. */
void pager_close(Pager *pager);
