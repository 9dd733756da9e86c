/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "change-list.h"
#include "log.h"

static void change_done(Change *c) {
        free(c->kind);
        free(c->id);
        free(c->name);
        free(c->what);
        free(c->before);
        free(c->after);
}

void change_list_done(ChangeList *list) {
        for (size_t i = 0; i < list->n_changes; i++)
                change_done(&list->changes[i]);
        free(list->changes);
        *list = (ChangeList) {};
}

static char *copy(const char *s) {
        return strdup(strempty(s));
}

void change_list_note(ChangeList *list, const char *kind, const char *id, const char *name, const char *what,
        const char *before, const char *after) {
        Change *changes, *c;

        if (!list)
                return;

        changes = reallocarray(list->changes, list->n_changes + 1, sizeof(Change));
        if (!changes) {
                log_oom();
                return;
        }
        list->changes = changes;

        c = &changes[list->n_changes++];
        *c = (Change) {
                .kind = copy(kind),
                .id = copy(id),
                .name = copy(name),
                .what = copy(what),
                .before = copy(before),
                .after = copy(after),
        };
        if (!c->kind || !c->id || !c->name || !c->what || !c->before || !c->after) {
                change_done(&changes[--list->n_changes]);
                log_oom();
        }
}

void change_list_note_number(
        ChangeList *list, const VM *vm, const char *what, uint64_t before, uint64_t after) {
        char old[sizeof("18446744073709551615")], new[sizeof("18446744073709551615")];

        snprintf(old, sizeof(old), "%" PRIu64, before);
        snprintf(new, sizeof(new), "%" PRIu64, after);
        change_list_note(list, vm ? "vm" : "host", vm ? vm->uuid : "", vm ? vm->name : "", what, old, new);
}

static void note_line(ChangeList *list, const VM *vm, const char *slice, const char *cgroup,
        MiscResource resource, uint64_t before, uint64_t after) {
        char old[MISC_VALUE_SIZE], new[MISC_VALUE_SIZE];
        _cleanup_free_ char *what = NULL;

        if (asprintf(&what, "%s/%s", cgroup, misc_max_name(resource)) < 0) {
                what = NULL;
                log_oom();
                return;
        }

        change_list_note(list, vm ? "vm" : "slice", vm ? vm->uuid : slice, vm ? vm->name : slice, what,
                misc_value_format(before, old), misc_value_format(after, new));
}

void change_list_note_limit(ChangeList *list, const VM *vm, const char *slice, const char *cgroup,
        const MiscValues *before, uint64_t after) {
        if (!list)
                return;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++)
                if (before->present[i] && before->value[i] != after)
                        note_line(list, vm, slice, cgroup, i, before->value[i], after);
}
