/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <syslog.h>

#include "caller.h"
#include "macro.h"
#include "rate-limit.h"

/*
 * Logging: structured records to the journal if stderr is connected to it,
 * otherwise lines on stderr. Logging does not block: a record that the journal
 * or stderr cannot take immediately is dropped and counted. Control characters
 * and invalid UTF-8 are escaped; long texts are cut. Records without a context
 * are rate-limited by their format (log-limit.h). For records with a context the
 * caller must make sure that guests and unprivileged users cannot trigger them
 * at will.
 */

/* The subject of a record. All members are optional: strings are NULL, numbers have a flag. */
typedef struct LogContext {
        const char *message_id;
        const char *vm_uuid; /* PASID_VM_UUID= */
        const char *vm_name; /* PASID_VM_NAME= */
        const char *slice;   /* PASID_SLICE= */
        uint64_t set;        /* PASID_SET= */
        uint32_t quota;      /* PASID_QUOTA= */
        bool set_known;
        bool quota_known;
        uint64_t event;       /* PASID_EVENT=, sequence number of the event; 0: none */
        const Caller *caller; /* PASID_CALLER_UID=, PASID_CALLER_PID=, PASID_CALLER_UNIT= */
} LogContext;

typedef enum LogTarget {
        LOG_TARGET_AUTO, /* the journal if stderr is connected to it, else stderr */
        LOG_TARGET_JOURNAL,
        LOG_TARGET_CONSOLE, /* stderr */
        LOG_TARGET_NULL,
} LogTarget;

/* Determines the target for LOG_TARGET_AUTO. Records above max_level (LOG_ERR, …) are dropped. */
void log_setup(int max_level);

int log_get_max_level(void);
void log_set_max_level(int level);
LogTarget log_get_target(void);
void log_set_target(LogTarget target);

/* Parses "emerg" … "debug" or 0 … 7. Returns the level or -EINVAL. */
int log_level_from_string(const char *s);
const char *log_level_to_string(int level);

/* Parses "auto", "journal", "console" or "null". Returns the target or -EINVAL. */
int log_target_from_string(const char *s);
const char *log_target_to_string(LogTarget target);

/* Logs a message. context may be NULL. */
void log_context(int level, const LogContext *context, const char *format, ...) _printf_(3, 4);

/* The same with an error number, negative or positive, for %m in format. Returns error unchanged. */
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
