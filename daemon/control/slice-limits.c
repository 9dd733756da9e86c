/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup-path.h"
#include "cgroup.h"
#include "change-list.h"
#include "events.h"
#include "file-util.h"
#include "messages.h"
#include "quota.h"
#include "slice-limits.h"
#include "slice-watch.h"
#include "state-store.h"

/* "max" or a number */
#define LIMIT_TEXT_SIZE sizeof("4294967295")

/* Converts a limit to the value of misc.max. */
static uint64_t slice_to_misc_max(uint32_t limit) {
        return limit == LIMIT_NONE ? MISC_MAX : limit;
}

static const char *format_limit(uint32_t limit, char buf[static LIMIT_TEXT_SIZE]) {
        if (limit == LIMIT_NONE)
                return strcpy(buf, "max");

        snprintf(buf, LIMIT_TEXT_SIZE, "%" PRIu32, limit);
        return buf;
}

static void slice_free(SliceLimit *slice) {
        cgroup_subscription_free(slice->guard->watch);
        limits_release(slice->guard->control, &slice->misc_max);
        free(slice->guard);
        slice_limit_free(slice);
}

void slice_limits_free(Control *control) {
        SliceLimit *slice;

        while ((slice = TAILQ_FIRST(&control->world.slice_limits)))
                slice_free(slice);
}

static int slice_make(Control *control, const char *name, SliceLimit **ret) {
        SliceLimit *slice;
        int r;

        r = slice_limit_new(&control->world, name, &slice);
        if (r < 0)
                return r;

        slice->guard = calloc(1, sizeof(*slice->guard));
        if (!slice->guard) {
                slice_limit_free(slice);
                return -ENOMEM;
        }

        slice->guard->control = control;
        *ret = slice;
        return 0;
}

/* Returns 1 if the slice is a new one, 0 if it is not. */
static int slice_get(Control *control, const char *name, SliceLimit **ret) {
        SliceLimit *slice;
        int r, added = 0;

        slice = slice_limit_find(&control->world, name);
        if (!slice) {
                r = slice_make(control, name, &slice);
                if (r < 0)
                        return r;
                added = 1;
        }

        slice->in_use = true;
        *ret = slice;
        return added;
}

static void slice_update(SliceLimit *slice) {
        Control *control = slice->guard->control;
        SliceOverrides overrides = slice_get_overrides(&control->world, slice->name);

        slice->limit = slice_resolve(&control->world, slice->name, &overrides, &slice->source);
}

int slice_limit_set_desired(Control *control, const char *name, uint32_t limit, SliceSource source) {
        SliceLimit *slice;
        int r;

        r = slice_get(control, name, &slice);
        if (r < 0)
                return r;

        slice->limit = limit;
        slice->source = source;
        return r;
}

static int add_from_state(Control *control, const State *state) {
        SliceLimit *slice;
        int r;

        for (size_t i = 0; i < state->n_slices; i++) {
                r = slice_get(control, state->slices[i].name, &slice);
                if (r < 0)
                        return r;
        }

        return 0;
}

int slice_limits_update(Control *control) {
        SliceLimit *slice, *next;
        int r;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries)
                slice->in_use = false;

        for (char **name = control->world.config->slices; *name; name++) {
                /* The root cgroup has no misc.max. */
                if (streq(*name, "-.slice"))
                        continue;
                r = slice_get(control, *name, &slice);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < control->world.config->n_slice_sections; i++) {
                r = slice_get(control, control->world.config->slice_sections[i].name, &slice);
                if (r < 0)
                        return r;
        }
        r = add_from_state(control, control->world.state.persistent);
        if (r >= 0)
                r = add_from_state(control, control->world.state.runtime);
        if (r < 0)
                return r;

        for (slice = TAILQ_FIRST(&control->world.slice_limits); slice; slice = next) {
                next = TAILQ_NEXT(slice, entries);
                if (slice->in_use)
                        slice_update(slice);
                else
                        slice_free(slice);
        }

        return 0;
}

static void add_event(SliceLimit *slice, const Caller *caller) {
        const char *source = slice_source_to_string(slice->source);
        const EventDetail details[] = {
                { .name = "slice", .type = 's', .text = slice->name },
                { .name = "previous", .type = 'u', .number = slice->announced_limit },
                { .name = "quota", .type = 'u', .number = slice->limit },
                { .name = "source", .type = 's', .text = source },
        };
        char now[LIMIT_TEXT_SIZE], before[LIMIT_TEXT_SIZE];

        events_add(slice->guard->control, EVENT_SLICE_QUOTA_CHANGED,
                &(EventFacts) { .level = LOG_INFO,
                        .details = details,
                        .n_details = ELEMENTSOF(details),
                        .caller = caller },
                "The limit of slice %s is now %s (%s), it was %s.", slice->name,
                format_limit(slice->limit, now), source, format_limit(slice->announced_limit, before));
}

void slice_limits_announce(Control *control, const Caller *caller) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries) {
                /* Limits found at the start have not changed. */
                if (control->world.ready &&
                        (slice->limit != slice->announced_limit || slice->source != slice->announced_source))
                        add_event(slice, caller);
                slice->announced_limit = slice->limit;
                slice->announced_source = slice->source;
        }
}

/*
 * Returns the names for the slice watch; the strings are not copied. The caller frees the list. NULL when out of
 * memory.
 */
static char **list_names(Control *control) {
        SliceLimit *slice;
        size_t n = 0;
        char **names;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries)
                n++;

        /* One more for the root slice. */
        names = calloc(n + 2, sizeof(char *));
        if (!names)
                return NULL;

        n = 0;
        for (char **name = control->world.config->slices; *name; name++)
                if (streq(*name, "-.slice"))
                        names[n++] = *name;
        TAILQ_FOREACH (slice, &control->world.slice_limits, entries)
                names[n++] = slice->name;

        return names;
}

static void on_limit_written(CgroupWatchEvent event, const char *child, void *userdata) {
        SliceLimit *slice = userdata;

        (void) limits_look(slice->guard->control, &slice->misc_max);
}

static void watch_limit(SliceLimit *slice) {
        int r;

        if (slice->guard->watch)
                return;

        r = cgroup_subscribe(slice->guard->control->cgroup_watch, CGROUP_WATCH_LIMIT, slice->cgroup,
                on_limit_written, slice, &slice->guard->watch);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot watch the limit of slice %s: %m", slice->name);
}

static void log_change(const SliceLimit *slice) {
        char text[LIMIT_TEXT_SIZE];

        if (slice->misc_max.state == LIMIT_FAILED || slice->misc_max.state == LIMIT_FOREIGN)
                log_context(LOG_WARNING,
                        &(LogContext) { .message_id = MESSAGE_SLICE_LIMIT_NOT_APPLIED, .slice = slice->name },
                        "The limit of slice %s is not in force: %s.", slice->name,
                        strempty(slice->misc_max.error));
        else if (slice->misc_max.state == LIMIT_IN_FORCE)
                log_context(LOG_INFO,
                        &(LogContext) { .message_id = MESSAGE_SLICE_LIMIT_SET, .slice = slice->name },
                        "Limit %s of slice %s is in force (%s).", format_limit(slice->limit, text),
                        slice->name, slice_source_to_string(slice->source));
}

/* Has pasidd set a limit, which must be removed when no source sets one any more? */
static bool is_applied(const SliceLimit *slice) {
        const StateSlice *known = state_find_slice(slice->world->state.runtime, slice->name);

        return known && known->applied;
}

/* To be called when no source sets a limit, and pasidd's limit has been removed. */
static void finish_removal(SliceLimit *slice) {
        slice->guard->watch = cgroup_subscription_free(slice->guard->watch);
        limit_forget(&slice->misc_max);
        if (is_applied(slice) &&
                state_store_set_slice_applied(slice->guard->control->store, slice->name, false) >= 0)
                log_info("Slice %s has no limit any more.", slice->name);
}

static void report_state(SliceLimit *slice) {
        if (slice->source == SLICE_SOURCE_NONE && limit_is_in_force(&slice->misc_max))
                finish_removal(slice);
        else if (slice->misc_max.state == LIMIT_IN_FORCE)
                watch_limit(slice);
        if (limit_take_change(&slice->misc_max))
                log_change(slice);
}

static void on_settled(Limit *limit) {
        report_state(CONTAINER_OF(limit, SliceLimit, misc_max));
}

static void describe(const Limit *limit, LimitSubject *ret) {
        const SliceLimit *slice = CONTAINER_OF(limit, SliceLimit, misc_max);

        *ret = (LimitSubject) {
                .file = { .kind = LIMIT_SLICE, .cgroup = slice->cgroup },
                .slice = slice->name,
                .owner_kind = "slice ",
                .owner = slice->name,
                .foreign_log = &slice->guard->foreign_log,
        };
}

/* Called before the write, so that pasidd removes the limit later even if it crashes in between. */
static int save_applied(Limit *limit, char **ret_error) {
        SliceLimit *slice = CONTAINER_OF(limit, SliceLimit, misc_max);
        int r;

        if (slice->source == SLICE_SOURCE_NONE)
                return 0;

        r = state_store_set_slice_applied(slice->guard->control->store, slice->name, true);
        if (r < 0 && asprintf(ret_error, "cannot save the state: %s", strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

static LimitOutcome judge(const Limit *limit, int r, char **ret_error) {
        const SliceLimit *slice = CONTAINER_OF(limit, SliceLimit, misc_max);

        if (slice->source == SLICE_SOURCE_NONE) {
                if (errno_is_gone(r))
                        return LIMIT_NOWHERE;
                *ret_error = strdup("the old limit cannot be removed");
                return LIMIT_REFUSED;
        }

        /* systemd creates a slice with the first unit in it. */
        if (r == -ENOENT && !cgroup_exists(slice->guard->control->root, slice->cgroup)) {
                *ret_error = strdup("the slice does not exist at present");
                return LIMIT_NOT_YET;
        }

        if (asprintf(ret_error, "%s/misc.max: %s", slice->cgroup,
                    r == -ENOENT ? "the misc controller is not enabled there" : strerror(-r)) < 0)
                *ret_error = NULL;
        return LIMIT_REFUSED;
}

const LimitOps slice_limit_ops = {
        .describe = describe,
        .prepare = save_applied,
        .judge = judge,
        .settled = on_settled,
};

void slice_apply(SliceLimit *slice, bool force) {
        Control *control = slice->guard->control;

        if (!world_has_limits(slice->world))
                limit_forget(&slice->misc_max);
        else if (slice->source != SLICE_SOURCE_NONE) {
                if (force)
                        limits_set_forced(control, &slice->misc_max, slice_to_misc_max(slice->limit));
                else
                        limits_set(control, &slice->misc_max, slice_to_misc_max(slice->limit));
        } else if (is_applied(slice))
                limits_set_forced(control, &slice->misc_max, MISC_MAX);
        else
                limit_forget(&slice->misc_max);

        report_state(slice);
}

void slice_limits_reconcile(Control *control, bool force) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries) {
                /* With force, foreign values are overwritten without a check, unless they must be adopted. */
                if (!force || control->world.config->foreign_change == FOREIGN_CHANGE_ADOPT)
                        (void) limits_look(control, &slice->misc_max);
                slice_apply(slice, force);
        }
}

void slice_limits_apply(Control *control) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries)
                slice_apply(slice, false);
}

void slice_limit_appeared(Control *control, const char *cgroup) {
        SliceLimit *slice;
        uint64_t id;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries) {
                if (!streq(slice->cgroup, cgroup) || cgroup_get_id(control->root, cgroup, &id) < 0 ||
                        (id == slice->cgroup_id && limit_is_in_force(&slice->misc_max)))
                        continue;

                if (id != slice->cgroup_id) {
                        /* A new cgroup has a new misc.max, without foreign changes. */
                        limit_forget(&slice->misc_max);
                        slice->guard->watch = cgroup_subscription_free(slice->guard->watch);
                        slice->cgroup_id = id;
                }
                slice_apply(slice, false);
        }
}

void slice_limits_gone(Control *control, const char *cgroup) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries)
                if (cgroup_path_is_below(slice->cgroup, cgroup)) {
                        slice->cgroup_id = 0;
                        limit_forget(&slice->misc_max);
                        slice->guard->watch = cgroup_subscription_free(slice->guard->watch);
                        slice_apply(slice, false);
                }
}

int slice_limits_watch(Control *control) {
        _cleanup_free_ char **names = list_names(control);
        SliceWatch *slices;
        int r;

        if (!names)
                return log_oom();

        r = slice_watch_new(
                control->cgroup_watch, control->root, names, control->hooks->slices, control, &slices);
        if (r < 0)
                return log_error_errno(r, "Cannot watch the slices of Slices=: %m");

        slice_watch_free(control->slices);
        control->slices = slices;
        slice_watch_rescan(slices);
        slice_limits_apply(control);
        return 0;
}

int slice_limits_refresh(Control *control) {
        int r;

        r = slice_limits_update(control);
        if (r >= 0 && control->world.kernel_present)
                r = slice_limits_watch(control);
        world_queue_changes(&control->world, 0);
        return r;
}
