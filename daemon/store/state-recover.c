/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>

#include <json-c/json.h>

#include "log.h"
#include "messages.h"
#include "state-recover.h"

/* Part of the name that a file keeps when it is set aside, so that there is room for ".corrupt-N". */
#define ASIDE_NAME_MAX 200

/*
 * Logs a result of state_load() and registers unusable files. name: see state_files_add_bad(). Returns STATE_LOADED;
 * STATE_ABSENT if there is nothing to use; or a negative errno.
 */
static int note_result(StateFiles *files, const char *path, const char *name, int result, const char *error) {
        switch (result) {

        case STATE_SET_ASIDE:
                log_context(LOG_WARNING, &(LogContext) { .message_id = MESSAGE_STATE_CORRUPT },
                        "State file %s is unusable and was set aside: %s", path, strempty(error));
                return STATE_ABSENT;

        case STATE_LEFT:
                log_context(LOG_ERR, &(LogContext) { .message_id = MESSAGE_STATE_CORRUPT },
                        "State file %s is unusable and stays as it is: %s. "
                        "Its content is not in force, and nothing is saved there. Repair or remove it, then restart pasidd.",
                        path, strempty(error));
                if (state_files_add_bad(files, path, name, error ? error : path) < 0)
                        return log_oom();
                return STATE_ABSENT;

        case STATE_NEWER:
                return log_error_errno(-EPROTONOSUPPORT,
                        "State file %s was written by a newer version of pasidd and stays as it is: %s. "
                        "Install that version, or move the file elsewhere.",
                        path, strempty(error));

        default:
                return result < 0 ? log_error_errno(result, "Cannot read the state file %s: %m", path)
                                  : result;
        }
}

/* The path, without suffix, to which a file is set aside: beside the directory, not in it. */
static char *aside_path(const StateFiles *files, const char *name) {
        int parent = (int) (strrchr(files->path, '/') - files->path);
        char *path;

        return asprintf(&path, "%.*s/%.*s", parent, files->path, ASIDE_NAME_MAX, name) < 0 ? NULL : path;
}

static char *file_path(const StateFiles *files, const char *name) {
        char *path;

        return asprintf(&path, "%s/%s", files->path, name) < 0 ? NULL : path;
}

/* Takes over what a file says: about one entry, one slice, or the default. The memory must have the room. */
static void take_document(State *s, State *memory) {
        if (s->n_entries > 0)
                s->entries[0].unknown_of_file = TAKE_PTR(s->unknown);
        else if (s->n_slices > 0)
                s->slices[0].unknown_of_file = TAKE_PTR(s->unknown);
        else {
                memory->default_quota = s->default_quota;
                memory->default_quota_set = s->default_quota_set;
                memory->unknown = TAKE_PTR(s->unknown);
        }
        state_take(memory, s);
}

static int read_entry(StateFiles *files, const char *name, State *memory) {
        _cleanup_free_ char *path = file_path(files, name), *aside = aside_path(files, name), *error = NULL;
        _cleanup_(state_freep) State *s = NULL;
        int r;

        if (!path || !aside)
                return log_oom();

        r = state_load(path, name, aside, &s, &error);
        r = note_result(files, path, name, r, error);
        if (r != STATE_LOADED)
                return r < 0 ? r : 0;

        if (state_reserve_for(memory, s) < 0)
                return log_oom();
        take_document(s, memory);
        return 0;
}

typedef struct Names {
        char **items;
        size_t n_items, n_allocated;
} Names;

static void names_done(Names *names) {
        for (size_t i = 0; i < names->n_items; i++)
                free(names->items[i]);
        free(names->items);
}

static int names_add(Names *names, const char *name) {
        if (names->n_items == names->n_allocated) {
                size_t n = names->n_allocated > 0 ? 2 * names->n_allocated : 64;
                char **items = reallocarray(names->items, n, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                names->items = items;
                names->n_allocated = n;
        }

        names->items[names->n_items] = strdup(name);
        return names->items[names->n_items] ? (int) ++names->n_items : -ENOMEM;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Returns the number of names, or a negative errno if the directory cannot be read. */
static int list_names(const StateFiles *files, Names *names) {
        DIR *d = opendir(files->path);
        struct dirent *de;
        int r = 0;

        if (!d)
                return errno == ENOENT ? 0 : -errno;

        errno = 0;
        while (r >= 0 && (de = readdir(d))) {
                if (de->d_name[0] != '.')
                        r = names->n_items < STATE_FILES_MAX ? names_add(names, de->d_name) : -EFBIG;
                errno = 0;
        }
        if (r >= 0 && errno > 0)
                r = -errno;
        closedir(d);

        if (names->n_items > 1)
                qsort(names->items, names->n_items, sizeof(*names->items), compare_names);
        return r;
}

static int read_directory(StateFiles *files, State *memory) {
        _cleanup_(names_done) Names names = {};
        int r;

        r = list_names(files, &names);
        if (r == -ENOMEM)
                return log_oom();
        if (r < 0) {
                _cleanup_free_ char *error = NULL;

                if (r == -EFBIG)
                        r = asprintf(&error, "%s: has more than %u files", files->path, STATE_FILES_MAX);
                else
                        r = asprintf(&error, "%s: cannot read: %s", files->path, strerror(-r));
                if (r < 0)
                        return log_oom();
                r = note_result(files, files->path, NULL, STATE_LEFT, error);
                return r < 0 ? r : 0;
        }
        for (size_t i = 0; r >= 0 && i < names.n_items; i++)
                r = read_entry(files, names.items[i], memory);

        return r < 0 ? r : 0;
}

static int add_keys(const State *s, bool with_default, StateKeys *ret) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_entries; i++)
                r = state_keys_add(ret, OVERRIDE_VM, s->entries[i].key);
        for (size_t i = 0; r >= 0 && i < s->n_slices; i++)
                r = state_keys_add(ret, OVERRIDE_SLICE, s->slices[i].name);
        if (r >= 0 && with_default)
                r = state_keys_add(ret, OVERRIDE_DEFAULT, "");
        return r < 0 ? log_oom() : 0;
}

/* Returns whether the files for all of it can be written, or -ENOMEM. */
static int can_write_all(const StateFiles *files, const State *s, bool with_default) {
        _cleanup_(state_keys_done) StateKeys keys = {};
        int r;

        if (files->n_bad == 0)
                return 1;

        r = add_keys(s, with_default, &keys);
        if (r < 0)
                return r;

        r = 1;
        for (size_t i = 0; r > 0 && i < keys.n_items; i++)
                r = state_files_can_write(files, keys.items[i].kind, keys.items[i].key);
        return r;
}

/*
 * The file is to be removed once the files have what it says. What belongs into files that cannot be written would be lost, so
 * such a file is kept under another name. If that fails, the layer is left alone. As note_result().
 */
static int keep_unwritable(
        StateFiles *files, const char *path, const char *aside, const State *s, bool with_default) {
        _cleanup_free_ char *kept = NULL, *error = NULL;
        int r;

        r = can_write_all(files, s, with_default);
        if (r != 0)
                return r < 0 ? log_oom() : STATE_LOADED;

        r = state_keep_aside(path, aside, &kept);
        if (r >= 0) {
                log_context(LOG_WARNING, &(LogContext) { .message_id = MESSAGE_STATE_CORRUPT },
                        "State file %s has settings that belong into unusable files. They are not in force. "
                        "The file is kept as %s.",
                        path, kept ? kept : "a file beside the directory");
                return STATE_LOADED;
        }

        r = asprintf(&error,
                "%s: has settings that belong into unusable files; cannot keep it as %s.corrupt-N: %s", path,
                aside, strerror(-r));
        if (r < 0) {
                error = NULL;
                return log_oom();
        }
        return note_result(files, path, NULL, STATE_LEFT, error);
}

static int drop_unwritable(const StateFiles *files, State *s) {
        _cleanup_(state_freep) State *empty = state_new();
        int r = empty ? 1 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < s->n_entries; i++) {
                r = state_files_can_write(files, OVERRIDE_VM, s->entries[i].key);
                if (r == 0 && !state_get(empty, s->entries[i].key))
                        r = -ENOMEM;
        }
        for (size_t i = 0; r >= 0 && i < s->n_slices; i++) {
                r = state_files_can_write(files, OVERRIDE_SLICE, s->slices[i].name);
                if (r == 0 && !state_get_slice(empty, s->slices[i].name))
                        r = -ENOMEM;
        }
        if (r >= 0)
                r = state_reserve_for(s, empty);
        if (r >= 0)
                r = state_files_can_write(files, OVERRIDE_DEFAULT, "");
        if (r < 0)
                return log_oom();

        state_take(s, empty);
        if (r == 0) {
                s->default_quota = 0;
                s->default_quota_set = false;
                json_object_put(s->unknown);
                s->unknown = NULL;
        }
        return 0;
}

/* Replaces everything that was read by the content of the old file. Files that are not in it will be removed. */
static int take_over(StateFiles *files, const char *old_file, State *old, State *memory) {
        State before;

        state_prune(old);
        if (drop_unwritable(files, old) < 0 || add_keys(memory, true, &files->behind) < 0 ||
                add_keys(old, true, &files->behind) < 0)
                return -ENOMEM;

        before = *memory;
        *memory = *old;
        *old = before;
        files->old_file = strdup(old_file);
        files->drop_pending = true;
        if (!files->old_file)
                return log_oom();

        log_info("Migrating the state file %s of an older version to %s.", old_file, files->path);
        return 0;
}

int state_recover_files(StateFiles *files, const char *old_file, State *memory) {
        _cleanup_(state_freep) State *old = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = read_directory(files, memory);
        /* What replaces all files stays where it is if none of them can be written. */
        if (r < 0 || state_files_problem(files, ""))
                return r;

        r = state_load(old_file, NULL, old_file, &old, &error);
        r = note_result(files, old_file, NULL, r, error);
        if (r == STATE_LOADED && old->n_entries + old->n_slices + files->n_bad >= STATE_FILES_MAX)
                r = note_result(
                        files, old_file, NULL, STATE_LEFT, "has more entries than there can be files");
        if (r == STATE_LOADED)
                r = keep_unwritable(files, old_file, old_file, old, old->default_quota_set || old->unknown);
        return r == STATE_LOADED ? take_over(files, old_file, old, memory) : r < 0 ? r : 0;
}

int state_recover_pending(StateFiles *files, const char *name, StatePending *ret) {
        _cleanup_free_ char *path = file_path(files, name), *aside = aside_path(files, name + 1),
                            *error = NULL;
        int r;

        if (!path || !aside)
                return log_oom();

        r = state_pending_load(path, aside, ret, &error);
        r = note_result(files, path, NULL, r, error);
        if (r == STATE_LOADED)
                r = keep_unwritable(files, path, aside, ret->settings, ret->default_changes);
        if (r != STATE_LOADED)
                state_pending_done(ret);
        return r < 0 ? r : 0;
}
