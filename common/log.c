/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>

#include "journal.h"
#include "log-limit.h"
#include "log.h"
#include "stderr-line.h"
#include "text-escape.h"

/* Global, because a process has one log. */
static int log_max_level = LOG_INFO;
static LogTarget log_target = LOG_TARGET_AUTO;
static bool log_has_journal = false;
static LogLimit log_limit = {};

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

#define NUMBER_SIZE sizeof("18446744073709551615")

/* Returns NULL if there is no number. */
static const char *format_number(char buf[static NUMBER_SIZE], bool known, uint64_t number) {
        if (!known)
                return NULL;

        snprintf(buf, NUMBER_SIZE, "%" PRIu64, number);
        return buf;
}

static void send_to_journal(int level, const LogContext *c, const char *message) {
        static const LogContext nothing = {};
        char set[NUMBER_SIZE], quota[NUMBER_SIZE], event[NUMBER_SIZE], uid[NUMBER_SIZE], pid[NUMBER_SIZE];
        const Caller *caller;

        if (!c)
                c = &nothing;
        caller = c->caller;

        {
                const JournalField fields[] = {
                        { "MESSAGE_ID", c->message_id },
                        { "PASID_VM_UUID", c->vm_uuid },
                        { "PASID_VM_NAME", c->vm_name },
                        { "PASID_SLICE", c->slice },
                        { "PASID_SET", format_number(set, c->set_known, c->set) },
                        { "PASID_QUOTA", format_number(quota, c->quota_known, c->quota) },
                        { "PASID_EVENT", format_number(event, c->event > 0, c->event) },
                        { "PASID_CALLER_UID", format_number(uid, caller, caller ? caller->uid : 0) },
                        { "PASID_CALLER_PID",
                                format_number(pid, caller && caller->pid > 0, caller ? caller->pid : 0) },
                        { "PASID_CALLER_UNIT", caller ? caller->unit : NULL },
                };

                /* Dropped records are counted in journal.c. */
                (void) journal_send("pasidd", level, message, fields, ELEMENTSOF(fields));
        }
}

static uint64_t now_usec(void) {
        struct timespec t = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* Records with debug level are not limited: an administrator who turns debug on expects all of them. */
static bool is_limited(int level, const LogContext *c) {
        return !c && level < LOG_DEBUG && log_max_level < LOG_DEBUG;
}

/*
 * Formats the message and appends the number of suppressed records. NULL when out of memory. errno must be intact for
 * %m.
 */
static char *_printf_(2, 0) format_message(unsigned suppressed, const char *format, va_list ap) {
        char *text, *message;

        if (vasprintf(&text, format, ap) < 0)
                return NULL;
        if (suppressed == 0)
                return text;

        if (asprintf(&message, "%s (%u more like it were not logged)", text, suppressed) < 0)
                message = NULL;
        free(text);
        return message;
}

static void _printf_(3, 0) log_va(int level, const LogContext *c, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL, *message = NULL;
        unsigned suppressed = 0;

        if (is_limited(level, c) && !log_limit_below(&log_limit, format, now_usec(), &suppressed))
                return;

        text = format_message(suppressed, format, ap);
        if (!text)
                return;

        /* The text can contain names that users chose. Its length is bounded by the targets. */
        message = text_escape(text);
        if (!message)
                return;

        switch (log_target) {

        case LOG_TARGET_AUTO:
                if (log_has_journal)
                        send_to_journal(level, c, message);
                else
                        (void) stderr_line("pasidd", message);
                return;

        case LOG_TARGET_JOURNAL:
                send_to_journal(level, c, message);
                return;

        case LOG_TARGET_CONSOLE:
                (void) stderr_line("pasidd", message);
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
