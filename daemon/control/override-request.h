/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "override-list.h"

/* A change to overrides that somebody has asked for, with what becomes of it. */

/* Both layers as they are to be. Slices and the default have no watermarks; a slice's quota can be LIMIT_NONE. */
typedef struct OverrideChange {
        OverrideKind kind;
        const char *key;  /* of the VM, the name of the slice; "" for the default */
        const char *name; /* of the VM, for people; may be NULL */
        QuotaSetting runtime;
        QuotaSetting persistent;
} OverrideChange;

/* What a change is about. */
typedef struct OverrideScope {
        const OverrideList *list; /* sorted; NULL: kind and key say it */
        OverrideKind kind;
        const char *key;
        bool persistent; /* it changes that layer */
} OverrideScope;

/* What became of a change. text: why not, a sentence; NULL with OVERRIDE_DONE */
typedef void (*OverrideHandler)(OverrideResult result, const char *text, void *userdata);

/* Can two changes not be under way together? */
bool override_scopes_overlap(const OverrideScope *a, const OverrideScope *b);

typedef struct OverrideRequest {
        OverrideList *list;
        Caller caller;
        bool has_caller;
        OverrideHandler handler;
        void *userdata;
        OverrideResult result; /* what the handler gets … */
        char *text;            /* … and why */
} OverrideRequest;

/*
 * What changes with it, in a list: a layer that stays as it is is not in it, so
 * that somebody else's value may be adopted there until the disk has the other
 * one. The caller frees *ret. -ENOMEM.
 */
int override_change_to_list(const StateLayers *layers, const OverrideChange *change, OverrideList **ret);

/* Takes *list over, also on failure, and copies caller (NULL: nobody). -ENOMEM. */
int override_request_new(OverrideList **list, const Caller *caller, OverrideHandler handler, void *userdata,
        OverrideRequest **ret);

/* The scope of the request itself, without the layer. Good as long as that. */
OverrideScope override_request_scope(const OverrideRequest *q);

/* What the handler is to get. The text is missing when there is no memory for it. */
void override_request_set_result(OverrideRequest *q, OverrideResult result, const char *format, ...)
        _printf_(3, 4);
void override_request_not_saved(OverrideRequest *q, const char *why);

/* Makes the change in kernel, runtime layer and memory, and sets the result: see override-transaction.h. */
void override_request_make(OverrideRequest *q, Control *control);

/* Tells whoever has asked for it, and frees it. */
void override_request_end(OverrideRequest *q);
