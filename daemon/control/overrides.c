/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>

#include "default-quota.h"
#include "disk-writer.h"
#include "log.h"
#include "override-apply.h"
#include "overrides.h"
#include "slice-limits.h"
#include "slice-overrides.h"
#include "state-file.h"
#include "state-store.h"
#include "vm-quota.h"

#define RETRY_MIN_USEC (UINT64_C(1000000))
#define RETRY_MAX_USEC (UINT64_C(60000000))

/* With disk_writer_free() less than TimeoutStopSec= of the unit. */
#define STOP_USEC (UINT64_C(5000000))

/* What is being written to the persistent file. */
typedef enum Writing {
        WRITING_NOTHING,
        WRITING_CHANGE,  /* a change that has not been made yet */
        WRITING_RESTORE, /* the memory's content, after a change that could not be made */
        WRITING_RETRY,   /* the memory's content, long after that */
} Writing;

/* A change that somebody has asked for. */
typedef struct Request {
        OverrideList *list; /* NULL: it is a single one */
        OverrideChange change;
        char *key, *name; /* of change */
        bool runtime_changes;
        Caller caller;
        bool has_caller;
        OverrideHandler handler;
        void *userdata;
        OverrideResult result; /* what the handler gets … */
        char *text;            /* … and why */
} Request;

struct Overrides {
        Control *control;
        DiskWriter *writer;
        Writing writing;
        Request *request; /* the one under way, unless writing is NOTHING or RETRY */

        sd_event_source *retry; /* of stale files */
        uint64_t retry_usec;
        sd_event_source *stop;
        bool stopping;
};

static int start_writing(Overrides *o, Writing writing, char *text);

static Request *request_free(Request *q) {
        if (!q)
                return NULL;

        override_list_free(q->list);
        free(q->key);
        free(q->name);
        caller_clear(&q->caller);
        free(q->text);
        free(q);
        return NULL;
}

/* Tells whoever has asked for it, and frees it. */
static void request_end(Request *q) {
        q->handler(q->result, q->text, q->userdata);
        request_free(q);
}

static void set_result(Request *q, OverrideResult result, const char *format, ...) _printf_(3, 4);

/* A text is missing when there is no memory for it. */
static void set_result(Request *q, OverrideResult result, const char *format, ...) {
        va_list ap;
        char *text;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);

        q->result = result;
        free(q->text);
        q->text = text;
}

static void not_saved(Request *q, const char *why) {
        const char *what = q->list                              ? "The overrides"
                           : q->change.kind == OVERRIDE_DEFAULT ? "The default quota"
                                                                : "The override";

        set_result(q, OVERRIDE_NOT_SAVED, "%s could not be saved: %s", what, why);
}

static const uint32_t *quota_of(const QuotaSetting *setting) {
        return setting->quota_set ? &setting->quota : NULL;
}

static QuotaSetting layer_now(const State *state, const OverrideChange *change) {
        const StateSlice *slice;

        switch (change->kind) {

        case OVERRIDE_SLICE:
                slice = state_find_slice(state, change->key);
                return override_setting(slice && slice->limit_set ? &slice->limit : NULL);

        case OVERRIDE_DEFAULT:
                return override_setting(state->default_quota_set ? &state->default_quota : NULL);

        default:
                return state_get_override(state, change->key);
        }
}

/* What the persistent file is to say; NULL if it stays as it is. */
static int plan(const StateStore *store, const Request *q, char **ret) {
        const OverrideChange *change = &q->change;
        const uint32_t *quota = quota_of(&change->persistent);

        if (q->list)
                return state_store_plan_list(store, q->list, ret);

        switch (change->kind) {

        case OVERRIDE_SLICE:
                return state_store_plan_slice_limit(store, change->key, quota, ret);

        case OVERRIDE_DEFAULT:
                return state_store_plan_default(store, quota, ret);

        default:
                return state_store_plan_override(store, change->key, change->name, &change->persistent, ret);
        }
}

static OverrideResult change_vm(Control *control, const OverrideChange *change, char **ret_error) {
        VM *vm = vm_find_by_key(&control->world, change->key);
        PolicyResult policy;
        int r;

        if (vm)
                return vm_change_overrides(vm,
                        &(VMOverrides) { .runtime = change->runtime, .persistent = change->persistent },
                        &policy, ret_error);

        /* A VM that is off: only the files change. */
        r = state_store_set_overrides(
                control->store, change->key, change->name, &change->runtime, &change->persistent);
        if (r >= 0)
                return OVERRIDE_DONE;

        if (asprintf(ret_error, "The override could not be saved: %s", strerror(-r)) < 0)
                *ret_error = NULL;
        return OVERRIDE_NOT_SAVED;
}

/* Kernel, runtime file and memory: all of them or none. The persistent file has the change already. */
static void make_change(Control *control, Request *q) {
        const OverrideChange *change = &q->change;
        char *error = NULL;

        if (q->list)
                q->result = override_list_make(control, q->list, &error);
        else if (change->kind == OVERRIDE_SLICE)
                q->result = slice_change_overrides(control, change->key,
                        &(SliceOverrides) { quota_of(&change->runtime), quota_of(&change->persistent) },
                        &error);
        else if (change->kind == OVERRIDE_DEFAULT)
                q->result = default_quota_change(control,
                        &(Defaults) { quota_of(&change->runtime), quota_of(&change->persistent) }, &error);
        else
                q->result = change_vm(control, change, &error);

        free(q->text);
        q->text = error;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Unless it is armed already, or nothing can come of it. */
static void arm_retry(Overrides *o) {
        const StateStore *store = o->control->store;
        int r;

        if (o->retry || (!store->persistent_stale && (!store->runtime_stale || store->runtime_problem)))
                return;

        r = sd_event_add_time_relative(o->control->event, &o->retry, CLOCK_MONOTONIC, o->retry_usec,
                o->retry_usec / 10, on_retry, o);
        if (r < 0)
                log_error_errno(r, "Cannot set a timer, a state file stays out of date: %m");
        else
                (void) sd_event_source_set_description(o->retry, "state-retry");
}

static void on_stale(void *userdata) {
        arm_retry(userdata);
}

/* As the memory has it. */
static int write_memory(Overrides *o, Writing writing) {
        char *text = NULL;
        int r;

        r = state_format_file(o->control->world.state.persistent, &text);
        return r < 0 ? r : start_writing(o, writing, text);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Overrides *o = userdata;
        StateStore *store = o->control->store;
        int r;

        o->retry = sd_event_source_disable_unref(o->retry);
        o->retry_usec = o->retry_usec < RETRY_MAX_USEC / 2 ? o->retry_usec * 2 : RETRY_MAX_USEC;

        if (store->runtime_stale && !store->runtime_problem && state_store_save_runtime(store) >= 0)
                log_info("State file %s is up to date again.", store->runtime_path);

        /* A change that is under way writes the whole file, or restores it. */
        if (store->persistent_stale && o->writing == WRITING_NOTHING) {
                r = write_memory(o, WRITING_RETRY);
                if (r < 0)
                        log_error_errno(r, "Cannot write the state file %s: %m", store->persistent_path);
        }

        if (!store->persistent_stale && !store->runtime_stale)
                o->retry_usec = RETRY_MIN_USEC;
        else if (o->writing == WRITING_NOTHING)
                arm_retry(o);
        return 0;
}

/* What was written has come to its end. */
static void finish(Overrides *o) {
        o->writing = WRITING_NOTHING;
        if (o->request)
                request_end(TAKE_PTR(o->request));
        arm_retry(o);
        if (o->stopping)
                (void) sd_event_exit(o->control->event, EXIT_SUCCESS);
        else
                o->control->handlers->overrides_idle(o->control->userdata);
}

/* The file has what was not to be, the caller is to have an error. */
static void restoring_failed(Overrides *o, int r) {
        const char *path = o->control->store->persistent_path;
        Request *q = o->request;
        _cleanup_free_ char *before = TAKE_PTR(q->text);

        log_error_errno(r, "Cannot restore the state file %s, trying again: %m", path);
        set_result(
                q, q->result, "%s. %s could not be restored yet: %s", strempty(before), path, strerror(-r));

        state_store_persistent_is_stale(o->control->store);
        finish(o);
}

static void restore(Overrides *o) {
        int r;

        r = write_memory(o, WRITING_RESTORE);
        if (r < 0)
                restoring_failed(o, r);
}

/* The change is on the disk, now it can be made. */
static void change_saved(Overrides *o) {
        Control *control = o->control;
        Request *q = o->request;

        /* Somebody else's value may have been adopted meanwhile. A list has the layer only where it changes it. */
        if (!q->list && !q->runtime_changes)
                q->change.runtime = layer_now(control->world.state.runtime, &q->change);

        control->caller = q->has_caller ? &q->caller : NULL;
        make_change(control, q);
        control->caller = NULL;
        if (q->result != OVERRIDE_DONE) {
                restore(o);
                return;
        }

        /* The file is the memory's content now, whatever it was before. */
        control->store->persistent_stale = false;
        finish(o);
}

static void change_not_saved(Overrides *o, int error, bool replaced) {
        log_error_errno(error, "Cannot write the state file %s: %m", o->control->store->persistent_path);
        not_saved(o->request, strerror(-error));
        /* Nothing has changed, but for the file, maybe. */
        if (replaced)
                restore(o);
        else
                finish(o);
}

static void retried(Overrides *o, int error) {
        StateStore *store = o->control->store;

        if (error < 0)
                log_error_errno(error, "Cannot write the state file %s: %m", store->persistent_path);
        else {
                store->persistent_stale = false;
                o->retry_usec = RETRY_MIN_USEC;
                log_info("State file %s is up to date again.", store->persistent_path);
        }
        finish(o);
}

static void on_written(int error, bool replaced, void *userdata) {
        Overrides *o = userdata;

        switch (o->writing) {

        case WRITING_CHANGE:
                if (error < 0)
                        change_not_saved(o, error, replaced);
                else
                        change_saved(o);
                return;

        case WRITING_RESTORE:
                if (error < 0)
                        restoring_failed(o, error);
                else {
                        o->control->store->persistent_stale = false;
                        finish(o);
                }
                return;

        case WRITING_RETRY:
                retried(o, error);
                return;

        case WRITING_NOTHING:
                return;
        }
}

/* Takes text over. */
static int start_writing(Overrides *o, Writing writing, char *text) {
        int r;

        r = disk_writer_replace(o->writer, o->control->store->persistent_path, text, on_written, o);
        if (r >= 0)
                o->writing = writing;
        return r;
}

/* Takes the request over. */
static void save_first(Overrides *o, Request *q, char *text) {
        const StateStore *store = o->control->store;
        _cleanup_free_ char *owned = text;
        int r;

        if (store->persistent_problem) {
                not_saved(q, store->persistent_problem);
                request_end(q);
                return;
        }

        r = start_writing(o, WRITING_CHANGE, TAKE_PTR(owned));
        if (r < 0) {
                log_error_errno(r, "Cannot write the state file %s: %m", store->persistent_path);
                not_saved(q, strerror(-r));
                request_end(q);
                return;
        }

        o->request = q;
}

/* Takes the request over. */
static void begin(Overrides *o, Request *q) {
        char *text = NULL;
        int r;

        r = plan(o->control->store, q, &text);
        if (r >= 0 && text) {
                save_first(o, q, text);
                return;
        }

        if (r < 0)
                not_saved(q, strerror(-r));
        else
                make_change(o->control, q);
        request_end(q);
}

static int request_new(Overrides *o, OverrideHandler handler, void *userdata, Request **ret) {
        const Caller *caller = o->control->caller;
        Request *q;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        q->handler = handler;
        q->userdata = userdata;
        q->has_caller = caller;
        if (caller && caller_copy(caller, &q->caller) < 0) {
                request_free(q);
                return -ENOMEM;
        }

        *ret = q;
        return 0;
}

static int take_change(Overrides *o, const OverrideChange *change, Request *q) {
        QuotaSetting now = layer_now(o->control->world.state.runtime, change);

        q->change = *change;
        q->change.key = q->key = strdup(change->key);
        q->change.name = q->name = change->name ? strdup(change->name) : NULL;
        q->runtime_changes = !setting_equal(&now, &change->runtime);
        return !q->key || (change->name && !q->name) ? -ENOMEM : 0;
}

void overrides_change(Overrides *o, const OverrideChange *change, OverrideHandler handler, void *userdata) {
        Request *q = NULL;
        int r;

        r = request_new(o, handler, userdata, &q);
        if (r >= 0)
                r = take_change(o, change, q);
        if (r < 0) {
                request_free(q);
                handler(OVERRIDE_NOT_SAVED, strerror(-r), userdata);
                return;
        }

        begin(o, q);
}

void overrides_change_list(Overrides *o, OverrideList **list, OverrideHandler handler, void *userdata) {
        _cleanup_(override_list_freep) OverrideList *taken = TAKE_PTR(*list);
        Request *q;
        int r;

        r = request_new(o, handler, userdata, &q);
        if (r < 0) {
                handler(OVERRIDE_NOT_SAVED, strerror(-r), userdata);
                return;
        }

        q->list = TAKE_PTR(taken);
        begin(o, q);
}

/* Two lists always do: which keys they share is not worth finding out. */
bool override_scopes_overlap(const OverrideScope *a, const OverrideScope *b) {
        if ((a->persistent && b->persistent) || (a->list && b->list))
                return true;
        if (a->list)
                return override_list_has(a->list, b->kind, b->key);
        if (b->list)
                return override_list_has(b->list, a->kind, a->key);

        return a->kind == b->kind && streq(a->key, b->key);
}

bool overrides_block(const Overrides *o, const OverrideScope *scope) {
        const Request *q = o->request;

        if (o->writing != WRITING_NOTHING && scope->persistent)
                return true;

        return q &&
               override_scopes_overlap(
                       &(OverrideScope) { .list = q->list, .kind = q->change.kind, .key = q->key }, scope);
}

bool overrides_are_busy(const Overrides *o) {
        return o->writing != WRITING_NOTHING;
}

bool overrides_are_stopping(const Overrides *o) {
        return o->stopping;
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Overrides *o = userdata;

        log_error("State file %s is not written yet, stopping nevertheless.",
                o->control->store->persistent_path);
        (void) sd_event_exit(o->control->event, EXIT_SUCCESS);
        return 0;
}

bool overrides_stop(Overrides *o) {
        o->stopping = true;
        if (o->writing == WRITING_NOTHING)
                return true;
        if (o->stop)
                return false;

        return sd_event_add_time_relative(
                       o->control->event, &o->stop, CLOCK_MONOTONIC, STOP_USEC, 1, on_stop_timeout, o) < 0;
}

int overrides_new(Control *control, Overrides **ret) {
        Overrides *o;
        int r;

        o = calloc(1, sizeof(*o));
        if (!o)
                return -ENOMEM;

        o->control = control;
        o->retry_usec = RETRY_MIN_USEC;
        r = disk_writer_new(control->event, &o->writer);
        if (r < 0) {
                free(o);
                return r;
        }

        control->store->stale = on_stale;
        control->store->stale_userdata = o;
        *ret = o;
        return 0;
}

Overrides *overrides_free(Overrides *o) {
        if (!o)
                return NULL;

        disk_writer_free(o->writer);
        if (o->request) {
                not_saved(o->request, "pasidd is being stopped");
                request_end(o->request);
        }
        sd_event_source_disable_unref(o->retry);
        sd_event_source_disable_unref(o->stop);
        o->control->store->stale = NULL;
        free(o);
        return NULL;
}
