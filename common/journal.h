/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Records for journald that never wait for it. libsystemd's functions wait for as
 * long as journald does not read.
 */

/* In bytes. What is longer is cut, so that a record fits into one datagram. */
#define JOURNAL_MESSAGE_MAX 2048U
#define JOURNAL_FIELD_MAX   512U
#define JOURNAL_FIELDS_MAX  20U

typedef struct JournalField {
        const char *name; /* "PASID_VM_UUID", without "=" */
        const char *value;
} JournalField;

/*
 * Sends one record in journald's native protocol
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). identifier: SYSLOG_IDENTIFIER=.
 * priority: LOG_ERR, …. fields: up to JOURNAL_FIELDS_MAX, those without a value
 * are left out. Values are cut to JOURNAL_FIELD_MAX bytes.
 *
 * Returns 0; -EAGAIN if journald has no room for it; or another negative errno
 * if there is no journald. In both cases the record is dropped and counted, and
 * the next one that goes out is preceded by one that says how many were.
 */
int journal_send(const char *identifier, int priority, const char *message, const JournalField *fields,
        size_t n_fields);

/* How many records were dropped since the process began. */
uint64_t journal_dropped(void);

/* Where journald listens, for tests; the string stays the caller's. NULL: the usual place. */
void journal_set_socket(const char *path);
