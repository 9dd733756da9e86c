/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>
#include <time.h>

#include "events.h"
#include "messages.h"

#define EVENTS_MAX 1024U

static uint64_t now_realtime(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

int events_set_up(Control *control) {
        /* There are never as many events as microseconds, so the time is above all numbers that were given out;
         * unless the clock was set back, see event_log_missed(). */
        return event_log_new(EVENTS_MAX, now_realtime(), &control->events);
}

static const char *message_id(EventType type) {
        static const char *const table[] = {
                [EVENT_QUOTA_EXCEEDED] = MESSAGE_QUOTA_EXCEEDED,
                [EVENT_WATERMARK_REACHED] = MESSAGE_WATERMARK_REACHED,
                [EVENT_QUOTA_CHANGED] = MESSAGE_QUOTA_SET,
                [EVENT_DEFAULT_QUOTA_CHANGED] = MESSAGE_DEFAULT_QUOTA_SET,
                [EVENT_SLICE_QUOTA_CHANGED] = MESSAGE_SLICE_LIMIT_SET,
                [EVENT_FOREIGN_CHANGE] = MESSAGE_FOREIGN_CHANGE,
                [EVENT_OVERCOMMITTED] = MESSAGE_OVERCOMMITTED,
                [EVENT_RESYNC] = MESSAGE_RESYNC,
        };

        _Static_assert(ELEMENTSOF(table) == _EVENT_TYPE_MAX, "each has a catalog entry");
        return table[type];
}

static size_t add_caller(const Caller *caller, EventDetail details[static 3]) {
        size_t n = 0;

        details[n++] = (EventDetail) { .name = "uid", .type = 'u', .number = caller->uid };
        if (caller->pid > 0)
                details[n++] = (EventDetail) { .name = "pid", .type = 'u', .number = caller->pid };
        if (caller->unit)
                details[n++] = (EventDetail) { .name = "unit", .type = 's', .text = caller->unit };
        return n;
}

static const EventDetail *find_detail(const EventFacts *facts, const char *name) {
        for (size_t i = 0; i < facts->n_details; i++)
                if (streq(facts->details[i].name, name))
                        return &facts->details[i];

        return NULL;
}

void events_add(Control *control, EventType type, const EventFacts *facts, const char *format, ...) {
        EventDetail details[EVENT_DETAILS_MAX + 3];
        const VM *vm = facts->vm;
        Event event = { .usec = now_realtime(), .type = type, .details = details };
        LogContext context = { .message_id = message_id(type), .caller = facts->caller };
        _cleanup_free_ char *message = NULL;
        const EventDetail *quota, *slice;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&message, format, ap);
        va_end(ap);
        if (r < 0) {
                message = NULL;
                log_oom();
                return;
        }

        memcpy(details, facts->details, facts->n_details * sizeof(EventDetail));
        event.n_details = facts->n_details;
        if (facts->caller)
                event.n_details += add_caller(facts->caller, details + event.n_details);

        event.message = message;
        if (vm) {
                snprintf(event.uuid, sizeof(event.uuid), "%s", vm->uuid);
                event.name = context.vm_name = vm->name;
                context.vm_uuid = vm->uuid;
        }
        if (facts->set) {
                context.set = facts->set->kernel.id;
                context.set_known = true;
        }
        quota = find_detail(facts, "quota");
        if (quota) {
                context.quota = (uint32_t) quota->number;
                context.quota_known = true;
        }

        slice = find_detail(facts, "slice");
        if (slice && !isempty(slice->text))
                context.slice = slice->text;

        context.event = event.sequence = event_log_add(control->events, &event);
        log_context(facts->level, &context, "%s", message);
        control->handlers->event(&event, control->userdata);
}
