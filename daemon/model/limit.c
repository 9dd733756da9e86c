/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit.h"
#include "macro.h"

void limit_init(Limit *limit, LimitKind kind) {
        *limit = (Limit) { .kind = (uint8_t) kind };
}

void limit_done(Limit *limit) {
        free(TAKE_PTR(limit->error));
}

void limit_set_error(Limit *limit, char *error) {
        if (!streq(strempty(limit->error), strempty(error)))
                limit->error_changed = true;
        free(limit->error);
        limit->error = error;
}

/* Keeps the error until the outcome of the write is known, so that an unchanged error is not announced again. */
static LimitStep begin_write(Limit *limit) {
        if (limit->state != LIMIT_FAILED)
                limit->state = LIMIT_WAITING;
        limit->restore_due = false;
        return LIMIT_WRITE;
}

LimitStep limit_set_desired(Limit *limit, uint64_t desired) {
        bool changed = limit->desired != desired;

        limit->desired = desired;
        if (limit->state == LIMIT_FOREIGN && !changed)
                return LIMIT_LEAVE;
        if (limit->state == LIMIT_IN_FORCE && !changed)
                return LIMIT_WRITE; /* the kernel's value may have changed unnoticed */

        return begin_write(limit);
}

LimitStep limit_reassert(Limit *limit) {
        switch ((LimitState) limit->state) {

        case LIMIT_ABSENT:
                return LIMIT_NOTHING;

        case LIMIT_FOREIGN:
                return begin_write(limit);

        default:
                return LIMIT_WRITE;
        }
}

static LimitStep restore(Limit *limit, uint64_t now_usec) {
        limit->state = LIMIT_IN_FORCE;
        limit->restore_due = now_usec < limit->holdoff_usec;
        if (limit->restore_due)
                return LIMIT_WRITE_LATER;

        limit->holdoff_usec = now_usec + LIMIT_HOLDOFF_USEC;
        return LIMIT_WRITE;
}

static LimitStep leave(Limit *limit, uint64_t value) {
        if (limit->state == LIMIT_FOREIGN && limit->foreign == value)
                return LIMIT_NOTHING;

        limit->state = LIMIT_FOREIGN;
        limit->restore_due = false;
        limit->foreign = value;
        return LIMIT_LEAVE;
}

static LimitStep seen_another(Limit *limit, uint64_t value, ForeignChange policy, uint64_t now_usec) {
        switch (policy) {

        case FOREIGN_CHANGE_ADOPT:
                if (limit->adoption_failed && now_usec < limit->holdoff_usec)
                        return restore(limit, now_usec);
                limit->adoption_failed = false;
                return LIMIT_ADOPT;

        case FOREIGN_CHANGE_REPORT:
                return leave(limit, value);

        default:
                return restore(limit, now_usec);
        }
}

LimitStep limit_seen(Limit *limit, uint64_t value, ForeignChange policy, uint64_t now_usec) {
        switch ((LimitState) limit->state) {

        case LIMIT_IN_FORCE:
                if (value != limit->desired)
                        return seen_another(limit, value, policy, now_usec);
                limit->restore_due = false;
                return LIMIT_NOTHING;

        case LIMIT_FOREIGN:
                if (value != limit->desired)
                        return seen_another(limit, value, policy, now_usec);
                return begin_write(limit); /* the foreign writer restored the number */

        default:
                return LIMIT_NOTHING;
        }
}

LimitStep limit_adoption_failed(Limit *limit, uint64_t now_usec) {
        /* An adoption that fails costs two writes and a warning: the hold-off limits how often. */
        limit->adoption_failed = true;
        return restore(limit, now_usec);
}

LimitStep limit_due(Limit *limit, uint64_t now_usec) {
        if (limit_next(limit) == 0)
                return LIMIT_NOTHING;
        if (now_usec < limit_next(limit))
                return LIMIT_WRITE_LATER;
        if (limit->state == LIMIT_IN_FORCE)
                return restore(limit, now_usec);

        (void) retry_take(&limit->retry, now_usec);
        return LIMIT_WRITE;
}

LimitStep limit_written(Limit *limit, LimitOutcome outcome, char *error, uint64_t now_usec) {
        static const LimitState states[_LIMIT_OUTCOME_MAX] = {
                [LIMIT_WRITTEN] = LIMIT_IN_FORCE,
                [LIMIT_NOWHERE] = LIMIT_ABSENT,
                [LIMIT_NOT_YET] = LIMIT_WAITING,
                [LIMIT_REFUSED] = LIMIT_FAILED,
        };

        limit_set_error(limit, error);
        limit->state = (uint8_t) states[outcome];
        limit->restore_due = false;
        if (outcome != LIMIT_REFUSED) {
                retry_succeeded(&limit->retry);
                return LIMIT_NOTHING;
        }

        retry_failed(&limit->retry, now_usec);
        return LIMIT_WRITE_LATER;
}

void limit_forget(Limit *limit) {
        limit_set_error(limit, NULL);
        limit->state = LIMIT_ABSENT;
        limit->restore_due = limit->adoption_failed = false;
        limit->holdoff_usec = 0;
        retry_succeeded(&limit->retry);
}

uint64_t limit_next(const Limit *limit) {
        switch ((LimitState) limit->state) {

        case LIMIT_FAILED:
                return limit->retry.due_usec;

        case LIMIT_IN_FORCE:
                return limit->restore_due ? limit->holdoff_usec : 0;

        default:
                return 0;
        }
}

bool limit_is_in_force(const Limit *limit) {
        return limit->state == LIMIT_IN_FORCE || limit->state == LIMIT_ABSENT;
}

bool limit_take_change(Limit *limit) {
        bool changed = limit->state != limit->announced_state || limit->error_changed;

        limit->announced_state = limit->state;
        limit->error_changed = false;
        return changed;
}
