/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "state-file.h"
#include "state-files.h"
#include "state-name.h"

void state_files_done(StateFiles *files) {
        for (size_t i = 0; i < files->n_bad; i++) {
                free(files->bad[i].path);
                free(files->bad[i].name);
                free(files->bad[i].problem);
        }
        free(files->bad);
        free(files->path);
        free(files->old_file);
        state_keys_done(&files->behind);
        *files = (StateFiles) {};
}

int state_files_add_bad(StateFiles *files, const char *path, const char *name, const char *problem) {
        StateBadFile *bad, new = {
                .path = strdup(path),
                .name = name ? strdup(name) : NULL,
                .problem = strdup(problem),
        };

        bad = reallocarray(files->bad, files->n_bad + 1, sizeof(*bad));
        if (bad)
                files->bad = bad;
        if (!bad || !new.path || !new.problem || (name && !new.name)) {
                free(new.path);
                free(new.name);
                free(new.problem);
                return -ENOMEM;
        }

        bad[files->n_bad++] = new;
        return 0;
}

const char *state_files_problem(const StateFiles *files, const char *name) {
        for (size_t i = 0; i < files->n_bad; i++)
                if (!files->bad[i].name || streq(files->bad[i].name, name))
                        return files->bad[i].problem;

        return NULL;
}

int state_files_can_write(const StateFiles *files, OverrideKind kind, const char *key) {
        _cleanup_free_ char *name = NULL;

        if (files->n_bad == 0)
                return 1;
        if (state_file_name(kind, key, &name) < 0)
                return -ENOMEM;

        return !state_files_problem(files, name);
}

/* A file that cannot be written stays as it is until the next start; it must not prevent the other files from being written. */
static int add_behind(const StateFiles *files, StateWrite *w, const State *memory, const StateKey *key) {
        _cleanup_free_ char *name = NULL, *text = NULL;
        int r;

        r = state_file_name(key->kind, key->key, &name);
        if (r >= 0 && state_files_problem(files, name))
                return 0;
        if (r >= 0)
                r = state_format_file(memory, key->kind, key->key, &text);
        return r < 0 ? r : state_write_add_behind(w, name, TAKE_PTR(text));
}

int state_files_update(const StateFiles *files, const State *memory, StateWrite **ret) {
        _cleanup_(state_write_freep) StateWrite *w = NULL;
        int r;

        r = state_write_new(files->path, files->durable, &w);
        for (size_t i = 0; r >= 0 && i < files->behind.n_items; i++)
                r = add_behind(files, w, memory, &files->behind.items[i]);
        if (r >= 0 && files->drop_joint)
                r = state_write_add_behind(w, STATE_NAME_JOINT, NULL);
        if (r < 0)
                return r;

        w->new_directory = files->durable && !files->directory_synced;
        w->drop_pending = files->drop_pending;
        w->repeatable = (files->drop_pending || files->old_file) && !files->source_removed;
        if (files->old_file) {
                w->old_file = strdup(files->old_file);
                if (!w->old_file)
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(w);
        return 0;
}

void state_files_updated(StateFiles *files, const StateWriteResult *result) {
        files->directory_synced = result->error >= 0;
        files->source_removed |= result->source_removed;
        if (!result->caught_up)
                return;

        state_keys_clear(&files->behind);
        files->drop_pending = files->drop_joint = files->superseded = files->source_removed = false;
        free(TAKE_PTR(files->old_file));
}

int state_files_write(StateFiles *files, const State *memory) {
        _cleanup_(state_write_freep) StateWrite *w = NULL;
        int r;

        r = state_files_update(files, memory, &w);
        if (r < 0)
                return r;

        r = state_write_run(w);
        state_files_updated(files, &w->result);
        return r;
}
