/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* Who reads what the daemon reports, each in a process of its own: journald, and a subscriber on the bus. */

typedef struct Listeners {
        pid_t journal, subscriber;
        _Atomic uint64_t records;     /* of the log */
        _Atomic uint64_t dropped;     /* records that the socket did not take, according to the daemon */
        _Atomic uint64_t suspensions; /* records that signals are suspended */
        _Atomic uint64_t events;      /* signals QuotaExceeded and WatermarkReached */
        _Atomic uint64_t others;      /* all other signals of the daemon */
        _Atomic bool subscribed;
} Listeners;

/* dir/journal: journald's socket. */
Listeners *start_journal(const char *dir);

/* Calls Subscribe, which must be possible. */
void start_subscriber(Listeners *listeners);

void stop_listeners(Listeners *listeners);
