/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <sys/stat.h>

#include "state-write.h"

/* Nothing in these files is secret. */
#define FILE_MODE      0644
#define DIRECTORY_MODE 0755

static char *path_in(const char *directory, const char *name) {
        char *path;

        return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

int state_write_new(const char *directory, bool durable, StateWrite **ret) {
        _cleanup_(state_write_freep) StateWrite *w = NULL;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->durable = durable;
        w->directory = strdup(directory);
        w->parent = strndup(directory, (size_t) (strrchr(directory, '/') - directory));
        w->pending = path_in(directory, STATE_NAME_PENDING);
        if (!w->directory || !w->parent || !w->pending)
                return -ENOMEM;

        *ret = TAKE_PTR(w);
        return 0;
}

StateWrite *state_write_free(StateWrite *w) {
        if (!w)
                return NULL;

        for (size_t i = 0; i < w->n_behind; i++)
                file_replacement_done(&w->behind[i].replacement);
        free(w->behind);
        file_replacement_done(&w->change.replacement);
        free(w->directory);
        free(w->parent);
        free(w->pending);
        free(w->old_file);
        free(w);
        return NULL;
}

/* Takes text over. */
static int file_init(const StateWrite *w, const char *name, char *text, StateWriteFile *ret) {
        _cleanup_(file_replacement_done) FileReplacement f = {};
        _cleanup_free_ char *owned = text, *path = path_in(w->directory, name);
        bool remove = !text;
        int r;

        if (!owned)
                owned = strdup("");
        if (!owned || !path)
                return -ENOMEM;
        r = file_replacement_init(&f, path, TAKE_PTR(owned), FILE_MODE, w->durable);
        if (r < 0)
                return r;

        /* A name that is as long as names can be leaves no room for a suffix. */
        free(f.temporary);
        f.temporary = path_in(w->directory, STATE_NAME_TEMPORARY);
        if (!f.temporary)
                return -ENOMEM;

        *ret = (StateWriteFile) { .replacement = f, .remove = remove };
        f = (FileReplacement) {};
        return 0;
}

int state_write_add_behind(StateWrite *w, const char *name, char *text) {
        _cleanup_free_ char *owned = text;
        StateWriteFile *files;
        int r;

        files = reallocarray(w->behind, w->n_behind + 1, sizeof(*files));
        if (!files)
                return -ENOMEM;
        w->behind = files;

        r = file_init(w, name, TAKE_PTR(owned), &files[w->n_behind]);
        if (r >= 0)
                w->n_behind++;
        return r;
}

int state_write_set_change(StateWrite *w, const char *name, char *text) {
        int r;

        r = file_init(w, name, text, &w->change);
        if (r >= 0)
                w->has_change = true;
        return r;
}

/* Everything on the file system at once, or the entries of one directory. */
static int sync_directory(const char *path, int (*sync_fd)(int fd)) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        /* EINVAL: the file system needs no sync of directories. */
        if (sync_fd(fd) < 0 && errno != EINVAL)
                return -errno;

        return 0;
}

/*
 * durable: the directory is synced, even if there is no such file: it may have been removed by a write whose sync failed.
 * *ret_removed may be NULL.
 */
static int remove_file(const char *path, const char *directory, bool durable, bool *ret_removed) {
        int r;

        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;

        if (ret_removed)
                *ret_removed = true;
        r = durable ? sync_directory(directory, fsync) : 0;
        return r == -ENOENT ? 0 : r;
}

static int make_directory(const StateWrite *w) {
        if (mkdir(w->directory, DIRECTORY_MODE) < 0 && errno != EEXIST)
                return -errno;

        return w->durable ? sync_directory(w->parent, fsync) : 0;
}

static int put_file(const StateWrite *w, StateWriteFile *f, bool durable) {
        if (f->remove)
                return remove_file(f->replacement.path, w->directory, durable, &f->replacement.replaced);

        f->replacement.durable = durable;
        return file_replacement_run(&f->replacement);
}

static int catch_up(StateWrite *w) {
        /* If the host crashes, the next start writes the files again. They are synced together. */
        bool repeatable = w->repeatable && !w->result.source_removed;
        /* The old file is the source, if there is one: its reader ignores the pending change. */
        bool *pending_removed = w->old_file ? NULL : &w->result.source_removed;
        int r = 0;

        /* The daemon may have been killed after the rename of the pending change, and before the sync. */
        if (repeatable && w->durable && w->n_behind > 0 && w->new_directory)
                r = sync_directory(w->directory, fsync);
        for (size_t i = 0; r >= 0 && i < w->n_behind; i++)
                r = put_file(w, &w->behind[i], w->durable && !repeatable);
        if (r >= 0 && repeatable && w->durable && w->n_behind > 0)
                r = sync_directory(w->directory, syncfs);
        if (r >= 0 && w->drop_pending)
                r = remove_file(w->pending, w->directory, w->durable, pending_removed);
        if (r >= 0 && w->old_file)
                r = remove_file(w->old_file, w->parent, w->durable, &w->result.source_removed);
        w->result.caught_up = r >= 0;
        return r;
}

static int run(StateWrite *w) {
        bool again = w->new_directory;
        int r;

        if (w->new_directory) {
                r = make_directory(w);
                if (r < 0)
                        return r;
        }

        for (;;) {
                r = catch_up(w);
                if (r >= 0 && w->has_change) {
                        r = put_file(w, &w->change, w->durable);
                        w->result.changed = w->change.replacement.replaced;
                }
                if (r != -ENOENT || w->result.changed || again)
                        return r;

                /* There is no directory yet. All of it is written once more. */
                r = make_directory(w);
                if (r < 0)
                        return r;
                again = true;
        }
}

int state_write_run(StateWrite *w) {
        return w->result.error = run(w);
}
