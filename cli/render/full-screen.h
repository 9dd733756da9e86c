/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "macro.h"

/*
 * The whole terminal for a program that repaints it and takes keys. Signals are
 * events here like keys: they are blocked while the program does something
 * else, so that none is lost in between, and the terminal is put back before
 * the process stops or ends.
 */
typedef struct FullScreen FullScreen;

typedef enum ScreenEvent {
        SCREEN_TIMEOUT,
        SCREEN_KEY,
        SCREEN_REPAINT, /* the size has changed, or the process has been continued */
        SCREEN_LEAVE,   /* SIGINT, SIGTERM, SIGHUP, or the end of the input */
} ScreenEvent;

/* Can there be one? Not on a terminal without cursor movement (TERM=dumb, or none). */
bool full_screen_possible(void);

/*
 * Switches to the alternate screen. What goes to stderr meanwhile is kept, and
 * shown when the screen is left. 0 or a negative errno.
 */
int full_screen_open(FullScreen **ret);

/* Puts everything back. */
FullScreen *full_screen_close(FullScreen *s);
DEFINE_CLEANUP_FUNC(FullScreen *, full_screen_close, full_screen_closep);

/*
 * Waits for an event, at most for timeout_usec. *ret_key: of SCREEN_KEY. A stop
 * (SIGTSTP) is carried out in here; SIGQUIT ends the process as it does
 * otherwise, with the terminal as it was. Negative errno if waiting fails.
 */
int full_screen_wait(FullScreen *s, uint64_t timeout_usec, char *ret_key);
