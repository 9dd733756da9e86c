/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "change-list.h"
#include "events.h"
#include "limit-control.h"
#include "log.h"

#define FOREIGN_INTERVAL_USEC (UINT64_C(60000000))
#define FOREIGN_BURST         5U

struct Limits {
        Control *control;
        const LimitsHandlers *handlers;
        LIST_HEAD(, Limit) queue; /* those with a limit_next() */
        Retry controller;
        sd_event_source *timer; /* for all of them */
};

static void carry_out(Control *control, Limit *limit, LimitStep step);

static const LimitOps *ops_of(const Control *control, const Limit *limit) {
        return control->limits->handlers->ops[limit->kind];
}

static LimitSubject describe(const Control *control, const Limit *limit) {
        LimitSubject subject = {};

        ops_of(control, limit)->describe(limit, &subject);
        return subject;
}

static void dequeue(Limit *limit) {
        if (!limit->queued)
                return;

        LIST_REMOVE(limit, entries);
        limit->queued = false;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a == 0 || (b > 0 && b < a) ? b : a;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

/* Sets the timer, unless it elapses before that anyway. */
static void arm(Limits *l, uint64_t usec) {
        int r, enabled = SD_EVENT_OFF;
        uint64_t armed = 0;

        if (usec == 0)
                return;

        if (!l->timer) {
                r = sd_event_add_time(l->control->event, &l->timer, CLOCK_MONOTONIC, usec,
                        RETRY_DELAY_MIN_USEC / 4, on_timer, l);
                if (r >= 0)
                        (void) sd_event_source_set_description(l->timer, "limits");
        } else {
                (void) sd_event_source_get_enabled(l->timer, &enabled);
                (void) sd_event_source_get_time(l->timer, &armed);
                if (enabled != SD_EVENT_OFF && armed <= usec)
                        return;
                r = sd_event_source_set_time(l->timer, usec);
                if (r >= 0)
                        r = sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
}

/* Puts the limit into the queue if a write of it is scheduled. */
static void enqueue(Control *control, Limit *limit) {
        if (limit_next(limit) == 0)
                return;

        if (!limit->queued) {
                LIST_INSERT_HEAD(&control->limits->queue, limit, entries);
                limit->queued = true;
        }
        arm(control->limits, limit_next(limit));
}

/* Records a change for the reply to a reconciliation. */
static void note_change(
        Control *control, const LimitSubject *subject, const MiscValues *before, uint64_t value) {
        char what[sizeof("set 18446744073709551615 watermark")];
        uint64_t old = before->value[MISC_PASID];

        switch (subject->file.kind) {

        case LIMIT_SCOPE:
                return;

        case LIMIT_SLICE:
        case LIMIT_VM:
                change_list_note_limit(
                        control->recording, subject->vm, subject->slice, subject->file.cgroup, before, value);
                return;

        case LIMIT_SET_QUOTA:
        case LIMIT_SET_WATERMARK:
                snprintf(what, sizeof(what), "set %" PRIu64 " %s", subject->file.set,
                        subject->file.kind == LIMIT_SET_QUOTA ? "quota" : "watermark");
                break;

        default:
                snprintf(what, sizeof(what), "%s", subject->what);
        }

        if (old != value)
                change_list_note_number(control->recording, subject->vm, what, old, value);
}

LimitOutcome limits_try(
        Control *control, Limit *limit, uint64_t value, MiscValues *ret_before, char **ret_error) {
        const LimitOps *ops = ops_of(control, limit);
        LimitSubject subject = describe(control, limit);
        int r = 0;

        *ret_before = (MiscValues) {};
        if (ops->prepare)
                r = ops->prepare(limit, ret_error);
        if (r < 0)
                return LIMIT_REFUSED;

        r = limit_file_write(control->root, &subject.file, value, ret_before);
        if (r < 0)
                return ops->judge(limit, r, ret_error);

        if (control->recording)
                note_change(control, &subject, ret_before, value);
        return LIMIT_WRITTEN;
}

static void write_desired(Control *control, Limit *limit) {
        LimitOutcome outcome;
        char *error = NULL;
        MiscValues before;

        outcome = limits_try(control, limit, limit->desired, &before, &error);
        (void) limit_written(limit, outcome, error, control_now(control));
        enqueue(control, limit);
}

/* Gets the foreign value. Returns false if there is none. */
static bool find_foreign(const Control *control, const Limit *limit, const LimitSubject *subject,
        const MiscValues *values, uint64_t *ret_value, const char **ret_what) {
        MiscResource resource = MISC_PASID;

        if (limit_file_is_misc(limit->kind)
                        ? !world_limits_differ(&control->world, values, limit->desired, &resource)
                        : values->value[MISC_PASID] == limit->desired)
                return false;

        *ret_value = values->value[resource];
        *ret_what = subject->what ? subject->what : misc_max_name(resource);
        return true;
}

/*
 * A foreign value of a shared number cannot be assigned to one of its owners, so it is not adopted. Neither is a value that a user
 * can have written: in a delegated cgroup, users could give themselves any quota.
 */
static ForeignChange policy_for(const Control *control, const Limit *limit, const LimitSubject *subject) {
        ForeignChange policy = control->world.config->foreign_change;
        const LimitOps *ops = ops_of(control, limit);

        if (policy != FOREIGN_CHANGE_ADOPT)
                return policy;

        return (ops->is_shared && ops->is_shared(limit)) ||
                               !limit_file_is_administrators(control->root, &subject->file)
                       ? FOREIGN_CHANGE_REVERT
                       : FOREIGN_CHANGE_ADOPT;
}

static void announce_foreign(Control *control, const LimitSubject *subject, const char *what, uint64_t value,
        uint64_t desired, ForeignChange policy) {
        static const char *const doings[_FOREIGN_CHANGE_MAX] = {
                [FOREIGN_CHANGE_REVERT] = "reverting it",
                [FOREIGN_CHANGE_ADOPT] = "adopting it",
                [FOREIGN_CHANGE_REPORT] = "leaving it so",
        };
        char text[MISC_VALUE_SIZE], instead[MISC_VALUE_SIZE];
        EventDetail details[6];
        unsigned suppressed;
        size_t n = 0;

        if (!ratelimit_below(subject->foreign_log, control_now(control), FOREIGN_INTERVAL_USEC, FOREIGN_BURST,
                    &suppressed))
                return;

        if (subject->slice)
                details[n++] = (EventDetail) { .name = "slice", .type = 's', .text = subject->slice };
        details[n++] = (EventDetail) { .name = "what", .type = 's', .text = what };
        details[n++] = (EventDetail) { .name = "value", .type = 't', .number = value };
        details[n++] = (EventDetail) {
                .name = "quota",
                .type = 'u',
                .number = desired < UINT32_MAX ? desired : UINT32_MAX,
        };
        details[n++] = (EventDetail) {
                .name = "action",
                .type = 's',
                .text = foreign_change_to_string(policy),
        };
        details[n++] = (EventDetail) { .name = "suppressed", .type = 't', .number = suppressed };

        events_add(control, EVENT_FOREIGN_CHANGE,
                &(EventFacts) { .level = LOG_WARNING, .vm = subject->vm, .details = details, .n_details = n },
                "Somebody else set %s of %s%s to %s instead of %s, %s (%u more not logged).", what,
                subject->owner_kind, subject->owner, misc_value_format(value, text),
                misc_value_format(desired, instead), doings[policy], suppressed);
}

static void explain_foreign(Limit *limit, const LimitSubject *subject, const char *what) {
        char *error;

        if (asprintf(&error, "somebody else has changed %s", subject->slice ? "it" : what) < 0)
                error = NULL;
        limit_set_error(limit, error);
}

/* Handles the values that the kernel has: a foreign one is restored, adopted or left. Returns false if there was nothing to do. */
static bool seen(Control *control, Limit *limit, const LimitSubject *subject, const MiscValues *values) {
        ForeignChange policy = policy_for(control, limit, subject);
        uint64_t value = limit->desired;
        const char *what = NULL;
        LimitStep step;
        bool foreign;

        foreign = find_foreign(control, limit, subject, values, &value, &what);
        step = limit_seen(limit, value, policy, control_now(control));
        if (step == LIMIT_NOTHING)
                return false;

        if (policy == FOREIGN_CHANGE_ADOPT && step != LIMIT_ADOPT)
                policy = FOREIGN_CHANGE_REVERT; /* in the hold-off after an adoption that failed */
        if (foreign)
                announce_foreign(control, subject, what, value, limit->desired, policy);
        if (step == LIMIT_LEAVE)
                explain_foreign(limit, subject, what);
        if (step == LIMIT_ADOPT)
                step = control->limits->handlers->adopt(control, subject, value)
                               ? LIMIT_NOTHING
                               : limit_adoption_failed(limit, control_now(control));
        carry_out(control, limit, step);
        ops_of(control, limit)->settled(limit);
        return true;
}

static void carry_out(Control *control, Limit *limit, LimitStep step) {
        if (step == LIMIT_WRITE)
                write_desired(control, limit);
        else if (step == LIMIT_WRITE_LATER)
                enqueue(control, limit);
}

void limits_release(Control *control, Limit *limit) {
        dequeue(limit);
}

void limits_set(Control *control, Limit *limit, uint64_t desired) {
        carry_out(control, limit, limit_set_desired(limit, desired));
}

void limits_set_forced(Control *control, Limit *limit, uint64_t desired) {
        (void) limit_set_desired(limit, desired);
        carry_out(control, limit, limit_reassert(limit));
}

static int read_values(
        const Control *control, const Limit *limit, LimitSubject *ret_subject, MiscValues *ret_values) {
        *ret_subject = describe(control, limit);
        return limit_file_read(control->root, &ret_subject->file, ret_values);
}

int limits_look(Control *control, Limit *limit) {
        LimitSubject subject;
        MiscValues values;
        int r;

        if (limit->state == LIMIT_ABSENT)
                return 0;

        r = read_values(control, limit, &subject, &values);
        if (r >= 0)
                (void) seen(control, limit, &subject, &values);
        return r;
}

/* Describes the difference between the kernel's value and the desired one. */
static char *explain_difference(const LimitSubject *subject, MiscResource resource) {
        char *error;
        int r;

        if (limit_file_is_misc(subject->file.kind))
                r = asprintf(
                        &error, "%s/%s has another value", subject->file.cgroup, misc_max_name(resource));
        else
                r = asprintf(&error, "%s has another value", subject->what);
        return r < 0 ? NULL : error;
}

/* Updates the state as after a write; a different value is written later. */
static void judge_values(
        Control *control, Limit *limit, const LimitSubject *subject, const MiscValues *values) {
        MiscResource resource = MISC_PASID;

        if (!misc_values_differ(values, limit->desired, &resource))
                (void) limit_written(limit, LIMIT_WRITTEN, NULL, control_now(control));
        else
                (void) limit_written(
                        limit, LIMIT_REFUSED, explain_difference(subject, resource), control_now(control));
        enqueue(control, limit);
}

int limits_verify(Control *control, Limit *limit) {
        LimitSubject subject;
        LimitOutcome outcome;
        char *error = NULL;
        MiscValues values;
        int r;

        if (limit->state == LIMIT_ABSENT)
                return 0;

        r = read_values(control, limit, &subject, &values);
        if (r >= 0 && seen(control, limit, &subject, &values))
                r = read_values(control, limit, &subject, &values);
        if (limit->state == LIMIT_FAILED || (limit->state == LIMIT_IN_FORCE && !limit->restore_due)) {
                if (r >= 0)
                        judge_values(control, limit, &subject, &values);
                else {
                        outcome = ops_of(control, limit)->judge(limit, r, &error);
                        (void) limit_written(limit, outcome, error, control_now(control));
                        enqueue(control, limit);
                }
        }

        return limit_is_in_force(limit) && !limit->restore_due ? 0 : -ESTALE;
}

/* Writes the limits that are due, or with all, those that failed. They stay in the queue. */
static void write_due(Control *control, LimitKind kind, bool all) {
        uint64_t now = control_now(control);
        Limit *limit;

        LIST_FOREACH(limit, &control->limits->queue, entries)
        if (limit->kind == kind &&
                (limit_due(limit, now) == LIMIT_WRITE || (all && limit->state == LIMIT_FAILED)))
                write_desired(control, limit);
}

/* To be called after write_due() for all kinds. Returns the time of the next scheduled write; 0: none. */
static uint64_t settle_written(Control *control) {
        Limit *limit, *next;
        uint64_t usec = 0;

        for (limit = LIST_FIRST(&control->limits->queue); limit; limit = next) {
                next = LIST_NEXT(limit, entries);
                usec = earlier(usec, limit_next(limit));
                if (limit_next(limit) == 0)
                        dequeue(limit);
                ops_of(control, limit)->settled(limit);
        }

        return usec;
}

static void retry_controller(Limits *l) {
        uint64_t now = control_now(l->control);

        if (!retry_take(&l->controller, now))
                return;
        if (l->handlers->enable_controller(l->control))
                retry_succeeded(&l->controller);
        else
                retry_failed(&l->controller, now);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Limits *l = userdata;
        uint64_t next;

        retry_controller(l);
        for (LimitKind kind = 0; kind < _LIMIT_KIND_MAX; kind++)
                write_due(l->control, kind, false);
        next = settle_written(l->control);
        arm(l, earlier(next, l->controller.due_usec));
        return 0;
}

void limits_write_failed(Control *control) {
        for (LimitKind kind = 0; kind < _LIMIT_KIND_MAX; kind++)
                write_due(control, kind, true);
        (void) settle_written(control);
}

void limits_controller_failed(Control *control) {
        retry_failed(&control->limits->controller, control_now(control));
        arm(control->limits, control->limits->controller.due_usec);
}

void limits_commit(Control *control, Limit *limit, uint64_t value, LimitOutcome outcome) {
        (void) limit_set_desired(limit, value);
        (void) limit_written(limit, outcome, NULL, control_now(control));
}

void limits_take_back(Control *control, Limit *limit, const MiscValues *before) {
        LimitSubject subject = describe(control, limit);
        int r;

        if (limit->state != LIMIT_FOREIGN) {
                if (limit_reassert(limit) == LIMIT_WRITE)
                        write_desired(control, limit);
                return;
        }

        r = limit_file_restore(control->root, &subject.file, before);
        if (r < 0)
                log_warning_errno(r, "Cannot restore the foreign value of %s%s that was left in place: %m",
                        subject.owner_kind, subject.owner);
}

int limits_new(Control *control, const LimitsHandlers *handlers, Limits **ret) {
        Limits *l;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        LIST_INIT(&l->queue);
        l->control = control;
        l->handlers = handlers;
        *ret = l;
        return 0;
}

Limits *limits_free(Limits *l) {
        if (!l)
                return NULL;

        sd_event_source_disable_unref(l->timer);
        free(l);
        return NULL;
}
