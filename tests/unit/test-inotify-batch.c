/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <sys/stat.h>

#include "inotify-batch.h"
#include "test-util.h"

#define MASK (IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_MODIFY)

typedef struct Scene {
        char *root;
        int fd;
        InotifyBatch batch;
} Scene;

static void set_scene(Scene *s) {
        *s = (Scene) { .root = test_mkdtemp(), .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
        assert_true(s->fd >= 0);
        assert_true(inotify_add_watch(s->fd, s->root, MASK) >= 0);
}

static void strike_scene(Scene *s) {
        close(s->fd);
        test_rmdirp(&s->root);
}

static void make(const Scene *s, const char *name) {
        _cleanup_free_ char *path = test_path(s->root, name);

        assert_int_equal(mkdir(path, 0700), 0);
}

static void take_away(const Scene *s, const char *name) {
        _cleanup_free_ char *path = test_path(s->root, name);

        assert_int_equal(rmdir(path), 0);
}

static void touch(const Scene *s, const char *name) {
        _cleanup_free_ char *path = test_path(s->root, name);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
}

static void watch(const Scene *s, const char *name) {
        _cleanup_free_ char *path = test_path(s->root, name);

        assert_true(inotify_add_watch(s->fd, path, IN_MODIFY) >= 0);
}

static void write_to(const Scene *s, const char *name) {
        _cleanup_free_ char *path = test_path(s->root, name);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "1\n", 2, 0), 2);
}

/* What is left of the next batch: a letter for each event, and the name. To be freed. */
static char *left(Scene *s) {
        char *text = NULL;
        size_t size;
        FILE *f;

        assert_int_equal(inotify_batch_read(s->fd, &s->batch), 0);
        f = open_memstream(&text, &size);
        assert_non_null(f);
        for (size_t i = 0; i < s->batch.n; i++) {
                const struct inotify_event *event = s->batch.events[i];

                if (inotify_batch_is_superfluous(&s->batch, i))
                        continue;
                fprintf(f, "%s%s ",
                        event->mask & IN_MODIFY                   ? "w"
                        : event->mask & (IN_CREATE | IN_MOVED_TO) ? "+"
                                                                  : "-",
                        event->len > 0 ? event->name : "");
        }
        assert_int_equal(fclose(f), 0);
        return text;
}

static void assert_left(Scene *s, const char *expected) {
        _cleanup_free_ char *text = left(s);

        assert_string_equal(text, expected);
}

static void test_nothing(void **state) {
        Scene s;

        set_scene(&s);
        assert_left(&s, "");
        assert_int_equal(s.batch.n, 0);
        assert_false(s.batch.more);
        strike_scene(&s);
}

/* In turn, so that the kernel merges nothing. */
static void test_writes(void **state) {
        Scene s;

        set_scene(&s);
        touch(&s, "a");
        touch(&s, "b");
        watch(&s, "a");
        watch(&s, "b");
        assert_left(&s, "+a +b ");
        assert_int_equal(inotify_rm_watch(s.fd, 1), 0);
        assert_int_equal(inotify_batch_read(s.fd, &s.batch), 0);

        for (unsigned i = 0; i < 5; i++) {
                write_to(&s, "a");
                write_to(&s, "b");
        }
        assert_left(&s, "w w ");
        assert_int_equal(s.batch.n, 10);
        assert_false(s.batch.more);
        write_to(&s, "b");
        assert_left(&s, "w ");
        strike_scene(&s);
}

static void test_directories(void **state) {
        Scene s;

        set_scene(&s);
        make(&s, "a");
        make(&s, "b");
        assert_left(&s, "+a +b ");

        /* One that is gone in the end, and one that was made anew. */
        for (unsigned i = 0; i < 3; i++) {
                take_away(&s, "a");
                make(&s, "a");
                make(&s, "z");
                take_away(&s, "z");
        }
        assert_left(&s, "-a +a -z ");
        take_away(&s, "b");
        assert_left(&s, "-b ");

        /* A file that gets the name of a directory is none. */
        make(&s, "c");
        take_away(&s, "c");
        touch(&s, "c");
        assert_left(&s, "-c +c ");
        strike_scene(&s);
}

/* A batch is bounded, and the rest is in the next one. */
static void test_more(void **state) {
        size_t n = 0;
        char name[16];
        Scene s;

        set_scene(&s);
        for (unsigned i = 0; i < 200; i++) {
                snprintf(name, sizeof(name), "d%u", i);
                make(&s, name);
        }
        do {
                assert_int_equal(inotify_batch_read(s.fd, &s.batch), 0);
                assert_in_range(s.batch.n, 1, INOTIFY_BATCH_MAX);
                n += s.batch.n;
                assert_int_equal(s.batch.more, n < 200);
                assert_int_equal(inotify_has_more(s.fd), n < 200);
        } while (s.batch.more);
        assert_int_equal(n, 200);
        strike_scene(&s);
}

/* The largest event there is fits. */
static void test_long_name(void **state) {
        char name[256];
        Scene s;

        memset(name, 'x', 255);
        name[255] = '\0';
        set_scene(&s);
        make(&s, name);
        assert_int_equal(inotify_batch_read(s.fd, &s.batch), 0);
        assert_int_equal(s.batch.n, 1);
        assert_string_equal(s.batch.events[0]->name, name);
        assert_false(s.batch.more);
        strike_scene(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_writes),
                cmocka_unit_test(test_directories),
                cmocka_unit_test(test_more),
                cmocka_unit_test(test_long_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
