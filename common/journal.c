/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "journal.h"
#include "macro.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Overrides the path of the socket, for tests that run a separate process. */
#define JOURNAL_SOCKET_VARIABLE "PASIDD_JOURNAL_SOCKET"

/* Includes field names, lengths and line ends. */
#define RECORD_MAX (JOURNAL_MESSAGE_MAX + JOURNAL_FIELDS_MAX * (JOURNAL_FIELD_MAX + 64U) + 512U)

typedef struct Record {
        char bytes[RECORD_MAX];
        size_t size;
} Record;

/* Global, because a process has one journal. */
static const char *socket_path;
static int fd = -EBADF;
static uint64_t n_dropped, n_reported;

static void put(Record *record, const void *bytes, size_t size) {
        if (size > sizeof(record->bytes) - record->size)
                return;

        memcpy(record->bytes + record->size, bytes, size);
        record->size += size;
}

/* The length of value, at most max, that does not split a UTF-8 sequence. */
static size_t cut(const char *value, size_t max) {
        size_t n = strlen(value);

        if (n <= max)
                return n;
        for (n = max; n > 0 && ((unsigned char) value[n] & 0xc0) == 0x80; n--)
                ;

        return n;
}

/* Appends "NAME=VALUE", or the binary form with the length if the value contains a line end. */
static void put_field(Record *record, const char *name, const char *value, size_t max) {
        size_t n = cut(value, max);
        uint64_t length = htole64(n);

        put(record, name, strlen(name));
        if (memchr(value, '\n', n)) {
                put(record, "\n", 1);
                put(record, &length, sizeof(length));
        } else
                put(record, "=", 1);
        put(record, value, n);
        put(record, "\n", 1);
}

static void begin(Record *record, const char *identifier, int priority, const char *message) {
        const char digit[] = { (char) ('0' + (priority & LOG_PRIMASK)), '\0' };

        record->size = 0;
        put_field(record, "PRIORITY", digit, 1);
        put_field(record, "SYSLOG_IDENTIFIER", identifier, JOURNAL_FIELD_MAX);
        put_field(record, "MESSAGE", message, JOURNAL_MESSAGE_MAX);
}

static const char *get_path(void) {
        const char *e;

        if (socket_path)
                return socket_path;

        e = secure_getenv(JOURNAL_SOCKET_VARIABLE);
        return isempty(e) ? JOURNAL_SOCKET : e;
}

/* Addresses the socket by path each time, because journald may have been restarted. */
static int post(const Record *record) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = get_path();

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);

        if (fd < 0) {
                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                if (fd < 0)
                        return -errno;
        }

        if (sendto(fd, record->bytes, record->size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *) &address,
                    sizeof(address)) < 0)
                return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;

        return 0;
}

static int report_dropped(Record *record, const char *identifier) {
        char message[96];
        int r;

        if (n_reported == n_dropped)
                return 0;

        snprintf(message, sizeof(message),
                "%" PRIu64 " records were dropped because the journal did not take them.",
                n_dropped - n_reported);
        begin(record, identifier, LOG_WARNING, message);
        r = post(record);
        if (r >= 0)
                n_reported = n_dropped;

        return r;
}

int journal_send(const char *identifier, int priority, const char *message, const JournalField *fields,
        size_t n_fields) {
        Record record;
        int r;

        r = report_dropped(&record, identifier);
        if (r >= 0) {
                begin(&record, identifier, priority, message);
                for (size_t i = 0; i < n_fields && i < JOURNAL_FIELDS_MAX; i++)
                        if (fields[i].value)
                                put_field(&record, fields[i].name, fields[i].value, JOURNAL_FIELD_MAX);
                r = post(&record);
        }
        if (r < 0)
                n_dropped++;

        return r;
}

uint64_t journal_dropped(void) {
        return n_dropped;
}

void journal_set_socket(const char *path) {
        socket_path = path;
}
