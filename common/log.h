/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <syslog.h>

#include "caller.h"
#include "macro.h"
#include "rate-limit.h"

/*
 * Logging: structured records to the journal where stderr is connected to it,
 * lines on stderr elsewhere. Nobody waits for either: what the journal or stderr
 * does not take at once is dropped, and counted. Control characters and what is
 * no UTF-8 are escaped, long texts are cut. Of records without a context, those
 * of one format have a limit (log-limit.h); whoever logs with a context sees to
 * it that others cannot set it off at will.
 */

/* What a record is about. All optional: strings NULL, numbers with their flag. */
typedef struct LogContext {
        const char *message_id;
        const char *vm_uuid; /* PASID_VM_UUID= */
        const char *vm_name; /* PASID_VM_NAME= */
        const char *slice;   /* PASID_SLICE= */
        uint64_t set;        /* PASID_SET= */
        uint32_t quota;      /* PASID_QUOTA= */
        bool set_known;
        bool quota_known;
        uint64_t event;       /* PASID_EVENT=, its sequence number; 0: none */
        const Caller *caller; /* PASID_CALLER_UID=, PASID_CALLER_PID=, PASID_CALLER_UNIT= */
} LogContext;

typedef enum LogTarget {
        LOG_TARGET_AUTO, /* the journal where stderr is connected to it, else stderr */
        LOG_TARGET_JOURNAL,
        LOG_TARGET_CONSOLE, /* stderr */
        LOG_TARGET_NULL,
} LogTarget;

/* Finds out where to log to. Records above max_level (LOG_ERR, …) are dropped. */
void log_setup(int max_level);

int log_get_max_level(void);
void log_set_max_level(int level);
LogTarget log_get_target(void);
void log_set_target(LogTarget target);

/* "emerg" … "debug" or 0 … 7. Returns the level or -EINVAL. */
int log_level_from_string(const char *s);
const char *log_level_to_string(int level);

/* "auto", "journal", "console", "null". Returns the target or -EINVAL. */
int log_target_from_string(const char *s);
const char *log_target_to_string(LogTarget target);

void log_context(int level, const LogContext *context, const char *format, ...) _printf_(3, 4);

/* The same, giving back the (negative) error as it came, which %m in format prints. */
int log_context_errno(int level, const LogContext *context, int error, const char *format, ...)
        _printf_(4, 5);

#define log_debug(...)   log_context(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...)    log_context(LOG_INFO, NULL, __VA_ARGS__)
#define log_notice(...)  log_context(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_warning(...) log_context(LOG_WARNING, NULL, __VA_ARGS__)
#define log_error(...)   log_context(LOG_ERR, NULL, __VA_ARGS__)

#define log_debug_errno(error, ...)   log_context_errno(LOG_DEBUG, NULL, error, __VA_ARGS__)
#define log_warning_errno(error, ...) log_context_errno(LOG_WARNING, NULL, error, __VA_ARGS__)
#define log_error_errno(error, ...)   log_context_errno(LOG_ERR, NULL, error, __VA_ARGS__)

int log_oom(void);
