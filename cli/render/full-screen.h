/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "macro.h"

/*
 * A full-screen program on the terminal that reads keys. Signals are events like
 * keys: they are blocked while the program does something else, so that none is
 * lost. The terminal is restored before the process stops or ends.
 */
typedef struct FullScreen FullScreen;

typedef enum ScreenEvent {
        SCREEN_TIMEOUT,
        SCREEN_KEY,
        SCREEN_REPAINT, /* the size has changed, or the process was continued */
        SCREEN_LEAVE,   /* SIGINT, SIGTERM, SIGHUP, or the end of the input */
} ScreenEvent;

/* Does the terminal support it? Not without cursor movement (TERM=dumb or unset). */
bool full_screen_possible(void);

/*
 * Switches to the alternate screen. Output on stderr is kept and printed when the
 * screen is left. Returns 0 or a negative errno.
 */
int full_screen_open(FullScreen **ret);

/* Restores the terminal, the signals and stderr. */
FullScreen *full_screen_close(FullScreen *s);
DEFINE_CLEANUP_FUNC(FullScreen *, full_screen_close, full_screen_closep);

/*
 * Waits for an event, at most timeout_usec. Sets *ret_key for SCREEN_KEY. Handles
 * SIGTSTP, and SIGQUIT, which ends the process after the terminal is restored.
 * Returns a negative errno if waiting fails.
 */
int full_screen_wait(FullScreen *s, uint64_t timeout_usec, char *ret_key);
