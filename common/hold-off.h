/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "macro.h"

/* Calls a handler when that is requested, with at least an interval between the end of a call and the next one. */
typedef struct HoldOff HoldOff;

typedef void (*HoldOffHandler)(void *userdata);

/* interval_usec: CLOCK_MONOTONIC. Returns 0 and an object that the caller frees, or a negative errno. */
int hold_off_new(
        sd_event *event, uint64_t interval_usec, HoldOffHandler handler, void *userdata, HoldOff **ret);
HoldOff *hold_off_free(HoldOff *h);
DEFINE_CLEANUP_FUNC(HoldOff *, hold_off_free, hold_off_freep);

/* Calls the handler: at once, or once by a timer when the interval is over, however often it is requested until then. */
void hold_off_request(HoldOff *h);
