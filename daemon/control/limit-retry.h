/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

/* Writes to the kernel that failed are tried again here, for all kinds of limits, with one timer. */
typedef struct LimitRetry LimitRetry;

/* What pasidd writes to the kernel, and tries again when that failed. In the order in which that is done. */
typedef enum LimitKind {
        LIMIT_KIND_DEFAULT_QUOTA,
        LIMIT_KIND_CONTROLLER, /* +misc in a slice */
        LIMIT_KIND_SLICE,
        LIMIT_KIND_VM,
        _LIMIT_KIND_MAX,
} LimitKind;

/* Writes what is not there because of an error. Returns true when nothing of that kind fails any more. */
typedef bool (*LimitAttempt)(LimitKind kind, void *userdata);

int limit_retry_new(sd_event *event, LimitAttempt attempt, void *userdata, LimitRetry **ret);

/* Ends all attempts. */
LimitRetry *limit_retry_free(LimitRetry *retry);

/* A write of this kind failed. May be called any number of times. */
void limit_retry_failed(LimitRetry *retry, LimitKind kind);
