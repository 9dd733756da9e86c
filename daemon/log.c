/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* CODE_FILE= and the like would all name this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <systemd/sd-journal.h>

#include "log.h"

/* Where a process logs to is a matter of the whole process, so these stand alone here. */
static int log_max_level = LOG_INFO;
static LogTarget log_target = LOG_TARGET_AUTO;
static bool log_has_journal = false;

static const char *const level_names[] = {
        [LOG_EMERG] = "emerg",
        [LOG_ALERT] = "alert",
        [LOG_CRIT] = "crit",
        [LOG_ERR] = "err",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

static const char *const target_names[] = {
        [LOG_TARGET_AUTO] = "auto",
        [LOG_TARGET_JOURNAL] = "journal",
        [LOG_TARGET_CONSOLE] = "console",
        [LOG_TARGET_NULL] = "null",
};

/* $JOURNAL_STREAM is "DEVICE:INODE" of the stream that systemd connected; stderr may have been redirected since. */
static bool stderr_is_journal(void) {
        const char *e = getenv("JOURNAL_STREAM");
        uintmax_t dev, ino;
        struct stat st;

        if (!e || sscanf(e, "%ju:%ju", &dev, &ino) != 2)
                return false;

        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t) dev && st.st_ino == (ino_t) ino;
}

void log_setup(int max_level) {
        log_max_level = max_level;
        log_has_journal = stderr_is_journal();
}

int log_get_max_level(void) {
        return log_max_level;
}

void log_set_max_level(int level) {
        log_max_level = level;
}

LogTarget log_get_target(void) {
        return log_target;
}

void log_set_target(LogTarget target) {
        log_target = target;
}

int log_level_from_string(const char *s) {
        for (int i = 0; i < (int) ELEMENTSOF(level_names); i++)
                if (streq(s, level_names[i]) || (s[0] == '0' + i && s[1] == '\0'))
                        return i;

        return -EINVAL;
}

const char *log_level_to_string(int level) {
        return level_names[level];
}

int log_target_from_string(const char *s) {
        for (int i = 0; i < (int) ELEMENTSOF(target_names); i++)
                if (streq(s, target_names[i]))
                        return i;

        return -EINVAL;
}

const char *log_target_to_string(LogTarget target) {
        return target_names[target];
}

#define RECORD_FIELDS_MAX 16U

typedef struct Record {
        struct iovec iov[RECORD_FIELDS_MAX];
        char *fields[RECORD_FIELDS_MAX];
        size_t n;
} Record;

static void record_done(Record *record) {
        for (size_t i = 0; i < record->n; i++)
                free(record->fields[i]);
}

static void _printf_(2, 3) record_add(Record *record, const char *format, ...) {
        va_list ap;
        char *field;
        int r;

        va_start(ap, format);
        r = vasprintf(&field, format, ap);
        va_end(ap);
        if (r < 0)
                return;

        record->fields[record->n] = field;
        record->iov[record->n++] = (struct iovec) { .iov_base = field, .iov_len = r };
}

static void send_to_journal(int level, const LogContext *c, const char *message) {
        _cleanup_(record_done) Record record = {};

        record_add(&record, "PRIORITY=%i", level);
        record_add(&record, "MESSAGE=%s", message);
        record_add(&record, "SYSLOG_IDENTIFIER=pasidd");
        if (c && c->message_id)
                record_add(&record, "MESSAGE_ID=%s", c->message_id);
        if (c && c->vm_uuid)
                record_add(&record, "PASID_VM_UUID=%s", c->vm_uuid);
        if (c && c->vm_name)
                record_add(&record, "PASID_VM_NAME=%s", c->vm_name);
        if (c && c->slice)
                record_add(&record, "PASID_SLICE=%s", c->slice);
        if (c && c->set_known)
                record_add(&record, "PASID_SET=%" PRIu64, c->set);
        if (c && c->quota_known)
                record_add(&record, "PASID_QUOTA=%" PRIu32, c->quota);
        if (c && c->event > 0)
                record_add(&record, "PASID_EVENT=%" PRIu64, c->event);
        if (c && c->caller) {
                record_add(&record, "PASID_CALLER_UID=%" PRIu32, c->caller->uid);
                if (c->caller->pid > 0)
                        record_add(&record, "PASID_CALLER_PID=%" PRIu32, c->caller->pid);
                if (c->caller->unit)
                        record_add(&record, "PASID_CALLER_UNIT=%s", c->caller->unit);
        }

        (void) sd_journal_sendv(record.iov, record.n);
}

static void _printf_(3, 0) log_va(int level, const LogContext *c, const char *format, va_list ap) {
        _cleanup_free_ char *message = NULL;

        if (vasprintf(&message, format, ap) < 0) {
                message = NULL;
                return;
        }

        switch (log_target) {

        case LOG_TARGET_AUTO:
                if (log_has_journal)
                        send_to_journal(level, c, message);
                else
                        fprintf(stderr, "pasidd: %s\n", message);
                return;

        case LOG_TARGET_JOURNAL:
                send_to_journal(level, c, message);
                return;

        case LOG_TARGET_CONSOLE:
                fprintf(stderr, "pasidd: %s\n", message);
                return;

        case LOG_TARGET_NULL:
                return;
        }
}

void log_context(int level, const LogContext *context, const char *format, ...) {
        int saved_errno = errno;
        va_list ap;

        if (level > log_max_level)
                return;

        va_start(ap, format);
        log_va(level, context, format, ap);
        va_end(ap);
        errno = saved_errno;
}

int log_context_errno(int level, const LogContext *context, int error, const char *format, ...) {
        int saved_errno = errno;
        va_list ap;

        if (level > log_max_level)
                return error;

        errno = abs(error);
        va_start(ap, format);
        log_va(level, context, format, ap);
        va_end(ap);
        errno = saved_errno;

        return error;
}

int log_oom(void) {
        return log_error_errno(-ENOMEM, "Out of memory.");
}

bool ratelimit_below(
        RateLimit *rl, uint64_t now_usec, uint64_t interval_usec, unsigned burst, unsigned *ret_suppressed) {
        if (rl->begin_usec == 0 || now_usec - rl->begin_usec >= interval_usec) {
                rl->begin_usec = now_usec;
                rl->n = 0;
        }

        if (rl->n >= burst) {
                rl->suppressed++;
                return false;
        }

        rl->n++;
        *ret_suppressed = rl->suppressed;
        rl->suppressed = 0;
        return true;
}
