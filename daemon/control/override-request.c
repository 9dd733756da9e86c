/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>

#include "override-request.h"
#include "override-transaction.h"

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

static OverrideRequest *request_free(OverrideRequest *q) {
        if (!q)
                return NULL;

        override_list_free(q->list);
        caller_clear(&q->caller);
        free(q->text);
        free(q);
        return NULL;
}

void override_request_end(OverrideRequest *q) {
        q->handler(q->result, q->text, q->userdata);
        request_free(q);
}

void override_request_set_result(OverrideRequest *q, OverrideResult result, const char *format, ...) {
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

void override_request_not_saved(OverrideRequest *q, const char *why) {
        q->result = OVERRIDE_NOT_SAVED;
        free(q->text);
        q->text = override_explain_not_saved(q->list, why);
}

void override_request_make(OverrideRequest *q, Control *control) {
        const Caller *before = control->caller;
        char *error = NULL;

        control->caller = q->has_caller ? &q->caller : NULL;
        q->result = override_transaction(control, q->list, &error);
        control->caller = before;
        free(q->text);
        q->text = error;
}

OverrideScope override_request_scope(const OverrideRequest *q) {
        if (!q->list->write_unchanged)
                return (OverrideScope) { .list = q->list };

        return (OverrideScope) { .kind = q->list->items[0].kind, .key = q->list->items[0].key };
}

int override_request_new(OverrideList **list, const Caller *caller, OverrideHandler handler, void *userdata,
        OverrideRequest **ret) {
        _cleanup_(override_list_freep) OverrideList *taken = TAKE_PTR(*list);
        OverrideRequest *q;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        q->list = TAKE_PTR(taken);
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

static int add_layer(OverrideList *list, const OverrideChange *change, bool runtime) {
        const OverrideItem item = {
                .kind = change->kind,
                .runtime = runtime,
                .key = (char *) change->key,
                .name = (char *) change->name,
                .setting = runtime ? change->runtime : change->persistent,
        };

        return override_list_add(list, &item);
}

int override_change_to_list(const StateLayers *layers, const OverrideChange *change, OverrideList **ret) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();
        size_t first, second;
        int r;

        if (!list)
                return -ENOMEM;

        list->write_unchanged = true;
        r = add_layer(list, change, true);
        if (r >= 0)
                r = add_layer(list, change, false);
        if (r >= 0)
                r = override_list_sort(list, &first, &second);
        if (r >= 0)
                r = override_list_compare(list, layers->runtime, layers->persistent);
        if (r < 0)
                return r;

        override_list_drop_unchanged(list);
        *ret = TAKE_PTR(list);
        return 0;
}
