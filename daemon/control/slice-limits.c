/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup-path.h"
#include "cgroup.h"
#include "change-list.h"
#include "events.h"
#include "file-util.h"
#include "limit-retry.h"
#include "messages.h"
#include "quota.h"
#include "slice-limits.h"
#include "slice-watch.h"
#include "state-store.h"

/* "max", or a number */
#define LIMIT_TEXT_SIZE sizeof("4294967295")

uint64_t slice_to_misc_max(uint32_t limit) {
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
        sd_event_source_disable_unref(slice->guard->revert_holdoff);
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

static int slice_get(Control *control, const char *name, SliceLimit **ret) {
        SliceLimit *slice;
        int r;

        slice = slice_limit_find(&control->world, name);
        if (!slice) {
                r = slice_make(control, name, &slice);
                if (r < 0)
                        return r;
        }

        slice->listed = true;
        *ret = slice;
        return 0;
}

static void slice_update(SliceLimit *slice) {
        Control *control = slice->guard->control;
        SliceOverrides overrides = slice_get_overrides(&control->world, slice->name);
        uint32_t limit;

        limit = slice_resolve(&control->world, slice->name, &overrides, &slice->source);
        /* What somebody else wrote was left as it was for as long as nothing new is asked for. */
        if (limit != slice->limit)
                slice->foreign = false;
        slice->limit = limit;
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
                slice->listed = false;

        for (char **name = control->world.config->slices; *name; name++) {
                /* The root has the capacity, and no limit. */
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
                if (slice->listed)
                        slice_update(slice);
                else
                        slice_free(slice);
        }

        return 0;
}

static void limit_has_changed(SliceLimit *slice) {
        const char *source = slice_source_to_string(slice->source);
        const EventDetail details[] = {
                { .name = "slice", .type = 's', .text = slice->name },
                { .name = "previous", .type = 'u', .number = slice->told_limit },
                { .name = "quota", .type = 'u', .number = slice->limit },
                { .name = "source", .type = 's', .text = source },
        };
        char now[LIMIT_TEXT_SIZE], before[LIMIT_TEXT_SIZE];

        events_add(slice->guard->control, EVENT_SLICE_QUOTA_CHANGED,
                &(EventFacts) { .level = LOG_INFO, .details = details, .n_details = ELEMENTSOF(details) },
                "The limit of slice %s is %s now (%s), it was %s.", slice->name,
                format_limit(slice->limit, now), source, format_limit(slice->told_limit, before));
}

void slice_limits_tell(Control *control) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries) {
                /* What is found at start has not changed. */
                if (control->world.ready &&
                        (slice->limit != slice->told_limit || slice->source != slice->told_source))
                        limit_has_changed(slice);
                slice->told_limit = slice->limit;
                slice->told_source = slice->source;
        }
}

/* For the slice watch; the strings stay the slices'. The caller frees the list. NULL when out of memory. */
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

void slice_set_force(SliceLimit *slice, bool in_force, char *error) {
        bool changed = slice->in_force != in_force || !streq(strempty(slice->error), strempty(error));

        free(slice->error);
        slice->error = error;
        slice->in_force = in_force;
        if (!changed)
                return;

        if (error)
                log_context(LOG_WARNING,
                        &(LogContext) { .message_id = MESSAGE_SLICE_LIMIT_NOT_APPLIED, .slice = slice->name },
                        "The limit of slice %s is not in force: %s.", slice->name, error);
        else if (in_force && slice->source != SLICE_SOURCE_NONE) {
                char text[LIMIT_TEXT_SIZE];

                log_context(LOG_INFO,
                        &(LogContext) { .message_id = MESSAGE_SLICE_LIMIT_SET, .slice = slice->name },
                        "Limit %s of slice %s is in force (%s).", format_limit(slice->limit, text),
                        slice->name, slice_source_to_string(slice->source));
        }
}

static void on_limit_written(CgroupWatchEvent event, const char *child, void *userdata) {
        SliceLimit *slice = userdata;

        slice->guard->control->hooks->slice_limit_written(slice);
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

/* Writes what nobody has asked for away, if it is ours. */
static void slice_let_go(SliceLimit *slice) {
        Control *control = slice->guard->control;
        const StateSlice *known = state_find_slice(control->world.state.runtime, slice->name);
        MiscValues before;
        int r;

        slice->guard->watch = cgroup_subscription_free(slice->guard->watch);
        if (known && known->applied) {
                r = cgroup_set_limit(control->root, slice->cgroup, MISC_MAX, &before);
                if (r < 0 && !errno_is_gone(r)) {
                        slice_set_force(slice, false, strdup("its old limit cannot be taken away"));
                        slice->failed = true;
                        limit_retry_failed(control->retry, LIMIT_KIND_SLICE);
                        return;
                }
                if (r >= 0)
                        change_list_note_limit(
                                control->recording, NULL, slice->name, slice->cgroup, &before, MISC_MAX);
                if (state_store_set_slice_applied(control->store, slice->name, false) >= 0)
                        log_info("Slice %s has no limit any more.", slice->name);
        }

        slice_set_force(slice, true, NULL);
}

static int write_limit(SliceLimit *slice, uint32_t limit, char **ret_error) {
        Control *control = slice->guard->control;
        MiscValues before;
        int r;

        /* First, so that a crash in between leaves no limit that nobody remembers. */
        r = state_store_set_slice_applied(control->store, slice->name, true);
        if (r < 0) {
                if (asprintf(ret_error, "it could not be remembered: %s", strerror(-r)) < 0)
                        *ret_error = NULL;
                return r;
        }

        r = cgroup_set_limit(control->root, slice->cgroup, slice_to_misc_max(limit), &before);
        if (r < 0) {
                if (asprintf(ret_error, "%s/misc.max: %s", slice->cgroup,
                            r == -ENOENT ? "the misc controller is not enabled there" : strerror(-r)) < 0)
                        *ret_error = NULL;
                return r;
        }

        change_list_note_limit(
                control->recording, NULL, slice->name, slice->cgroup, &before, slice_to_misc_max(limit));

        return 0;
}

void slice_apply(SliceLimit *slice) {
        char *error = NULL;
        int r;

        slice->failed = false;

        if (!world_has_limits(slice->world)) {
                slice_set_force(slice, true, NULL);
                return;
        }
        if (slice->source == SLICE_SOURCE_NONE) {
                slice_let_go(slice);
                return;
        }
        if (slice->foreign)
                return;

        r = write_limit(slice, slice->limit, &error);
        /* systemd makes and removes slices as they are needed: it comes with the first unit in it. */
        if (r == -ENOENT && !cgroup_exists(slice->guard->control->root, slice->cgroup)) {
                free(error);
                free(slice->error);
                slice->error = strdup("the slice does not exist now");
                slice->in_force = false;
                return;
        }
        if (r >= 0)
                watch_limit(slice);
        slice_set_force(slice, r >= 0, error);
        if (r < 0) {
                slice->failed = true;
                limit_retry_failed(slice->guard->control->retry, LIMIT_KIND_SLICE);
        }
}

bool slice_limits_apply_failed(Control *control) {
        SliceLimit *slice;
        bool ok = true;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries) {
                if (slice->failed)
                        slice_apply(slice);
                if (slice->failed)
                        ok = false;
        }

        return ok;
}

void slice_limits_apply(Control *control) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries)
                slice_apply(slice);
}

void slice_limit_appeared(Control *control, const char *cgroup) {
        SliceLimit *slice;
        uint64_t id;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries) {
                if (!streq(slice->cgroup, cgroup) || cgroup_get_id(control->root, cgroup, &id) < 0 ||
                        (id == slice->cgroup_id && slice->in_force))
                        continue;

                if (id != slice->cgroup_id) {
                        /* A new file; what somebody wrote to the old one is gone. */
                        slice->foreign = false;
                        slice->guard->watch = cgroup_subscription_free(slice->guard->watch);
                        slice->cgroup_id = id;
                }
                slice_apply(slice);
        }
}

void slice_limits_gone(Control *control, const char *cgroup) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries)
                if (cgroup_path_is_below(slice->cgroup, cgroup)) {
                        slice->cgroup_id = 0;
                        slice->foreign = false;
                        slice->guard->watch = cgroup_subscription_free(slice->guard->watch);
                        slice_apply(slice);
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
