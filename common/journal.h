/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Sends records to journald without blocking. libsystemd's functions block for
 * as long as journald does not read.
 */

/* Maximum sizes in bytes, so that a record fits into one datagram. Longer values are cut. */
#define JOURNAL_MESSAGE_MAX 2048U
#define JOURNAL_FIELD_MAX   512U
#define JOURNAL_FIELDS_MAX  20U

typedef struct JournalField {
        const char *name; /* "PASID_VM_UUID", without "=" */
        const char *value;
} JournalField;

/*
 * Sends one record in journald's native protocol
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). identifier is the value of
 * SYSLOG_IDENTIFIER=, priority is LOG_ERR etc. At most JOURNAL_FIELDS_MAX fields
 * are sent; fields whose value is NULL are omitted. Values are cut to
 * JOURNAL_FIELD_MAX bytes.
 *
 * Returns 0; -EAGAIN if journald's socket is full; or another negative errno if
 * journald is not there. On failure the record is dropped and counted. The next
 * record that is sent is preceded by one with the number of dropped records.
 */
int journal_send(const char *identifier, int priority, const char *message, const JournalField *fields,
        size_t n_fields);

/* Number of records dropped since the process started. */
uint64_t journal_dropped(void);

/* Sets the path of journald's socket, for tests. The caller keeps the string. NULL: the default path. */
void journal_set_socket(const char *path);
