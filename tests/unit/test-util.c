/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <ftw.h>

#include "test-util.h"

char *test_mkdtemp(void) {
        const char *tmp = getenv("TMPDIR");
        char *path;

        assert_true(asprintf(&path, "%s/pasidd-test-XXXXXX", isempty(tmp) ? "/tmp" : tmp) > 0);
        assert_non_null(mkdtemp(path));
        return path;
}

static int remove_one(
        const char *path, const struct stat *st _unused_, int flag _unused_, struct FTW *f _unused_) {
        return remove(path);
}

void test_rmdirp(char **path) {
        if (!*path)
                return;

        nftw(*path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(*path);
}

char *test_path(const char *dir, const char *name) {
        char *path;

        assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
        return path;
}

char *test_write(const char *dir, const char *name, const void *data, size_t size) {
        char *path = test_path(dir, name);
        FILE *f;

        f = fopen(path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
        return path;
}

char *test_read(const char *path) {
        _cleanup_fclose_ FILE *f = NULL;
        char *text = NULL;
        size_t size = 0;

        f = fopen(path, "re");
        if (!f)
                return NULL;

        if (getdelim(&text, &size, EOF, f) < 0) {
                free(text);
                return strdup("");
        }

        return text;
}
