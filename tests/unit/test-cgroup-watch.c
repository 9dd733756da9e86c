/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup-watch.h"
#include "log.h"
#include "test-util.h"

typedef struct Scene {
        char *root;
        sd_event *event;
        CgroupWatch *watch;
        unsigned lost;
} Scene;

/* What a subscriber has received. */
typedef struct Ear {
        CgroupSubscription *subscription;
        unsigned appeared, gone, written;
        char last[64];
        struct Ear *frees; /* the subscriber whose subscription it frees on an event */
} Ear;

static void on_lost(void *userdata) {
        ((Scene *) userdata)->lost++;
}

static void on_event(CgroupWatchEvent event, const char *child, void *userdata) {
        Ear *ear = userdata;

        ear->appeared += event == CGROUP_CHILD_APPEARED;
        ear->gone += event == CGROUP_CHILD_GONE;
        ear->written += event == CGROUP_LIMIT_WRITTEN;
        snprintf(ear->last, sizeof(ear->last), "%s", child ?: "");
        if (ear->frees)
                ear->frees->subscription = cgroup_subscription_free(ear->frees->subscription);
}

static char *path_of(const Scene *s, const char *cgroup) {
        char *path;

        assert_true(asprintf(&path, "%s/sys/fs/cgroup%s", s->root, cgroup) > 0);
        return path;
}

static void make(const Scene *s, const char *cgroup) {
        _cleanup_free_ char *path = path_of(s, cgroup);

        assert_int_equal(mkdir(path, 0700), 0);
}

static void take_away(const Scene *s, const char *cgroup) {
        _cleanup_free_ char *path = path_of(s, cgroup);

        assert_int_equal(rmdir(path), 0);
}

static void write_limit(const Scene *s, const char *cgroup) {
        _cleanup_free_ char *path = path_of(s, cgroup), *file = NULL;
        int fd;

        assert_true(asprintf(&file, "%s/misc.max", path) > 0);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "1\n", 2), 2);
        close(fd);
}

static void set_scene(Scene *s) {
        _cleanup_free_ char *sys = NULL, *fs = NULL, *top = NULL;

        log_setup(LOG_EMERG);
        *s = (Scene) { .root = test_mkdtemp() };
        sys = test_path(s->root, "sys");
        fs = test_path(s->root, "sys/fs");
        top = test_path(s->root, "sys/fs/cgroup");
        assert_int_equal(mkdir(sys, 0700), 0);
        assert_int_equal(mkdir(fs, 0700), 0);
        assert_int_equal(mkdir(top, 0700), 0);
        assert_int_equal(sd_event_new(&s->event), 0);
}

static void open_watch(Scene *s) {
        assert_int_equal(cgroup_watch_new(s->event, s->root, on_lost, s, &s->watch), 0);
}

static void strike_scene(Scene *s) {
        cgroup_watch_free(s->watch);
        sd_event_unref(s->event);
        test_rmdirp(&s->root);
}

static void subscribe(Scene *s, Ear *ear, CgroupWatchKind kind, const char *cgroup) {
        assert_int_equal(cgroup_subscribe(s->watch, kind, cgroup, on_event, ear, &ear->subscription), 0);
}

/* Processes all pending events. */
static void listen_now(Scene *s) {
        while (sd_event_run(s->event, 0) > 0)
                ;
}

static void test_events(void **state) {
        Ear children = {}, limit = {};
        Scene s;

        set_scene(&s);
        open_watch(&s);
        make(&s, "/a");
        write_limit(&s, "/a");
        subscribe(&s, &children, CGROUP_WATCH_CHILDREN, "/a");
        subscribe(&s, &limit, CGROUP_WATCH_LIMIT, "/a");

        make(&s, "/a/x");
        write_limit(&s, "/a");
        listen_now(&s);
        take_away(&s, "/a/x");
        listen_now(&s);
        assert_int_equal(children.appeared, 1);
        assert_int_equal(children.gone, 1);
        assert_string_equal(children.last, "x");
        assert_int_equal(children.written, 0);
        assert_int_equal(limit.written, 1);
        assert_int_equal(limit.appeared + limit.gone, 0);

        limit.subscription = cgroup_subscription_free(limit.subscription);
        write_limit(&s, "/a");
        listen_now(&s);
        assert_int_equal(limit.written, 1);
        children.subscription = cgroup_subscription_free(children.subscription);
        assert_int_equal(s.lost, 0);
        strike_scene(&s);
}

static void test_absent(void **state) {
        Ear ear = {};
        Scene s;

        set_scene(&s);
        open_watch(&s);
        assert_int_equal(
                cgroup_subscribe(s.watch, CGROUP_WATCH_CHILDREN, "/a", on_event, &ear, &ear.subscription),
                -ENOENT);
        make(&s, "/a");
        assert_int_equal(
                cgroup_subscribe(s.watch, CGROUP_WATCH_LIMIT, "/a", on_event, &ear, &ear.subscription),
                -ENOENT);
        assert_null(ear.subscription);
        strike_scene(&s);
}

/* All subscribers get the event, and each may free any subscription while handlers run. */
static void test_several_of_one_cgroup(void **state) {
        Ear ears[3] = {};
        Scene s;

        set_scene(&s);
        open_watch(&s);
        for (size_t i = 0; i < 3; i++)
                subscribe(&s, &ears[i], CGROUP_WATCH_CHILDREN, "/");
        make(&s, "/x");
        listen_now(&s);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(ears[i].appeared, 1);

        ears[0].frees = &ears[1];
        make(&s, "/y");
        listen_now(&s);
        assert_int_equal(ears[0].appeared, 2);
        assert_int_equal(ears[1].appeared, 1);
        assert_int_equal(ears[2].appeared, 2);

        ears[0].frees = &ears[2];
        ears[2].frees = NULL;
        make(&s, "/z");
        listen_now(&s);
        assert_int_equal(ears[2].appeared, 2);
        ears[0].frees = &ears[0];
        make(&s, "/u");
        make(&s, "/v");
        listen_now(&s);
        assert_int_equal(ears[0].appeared, 4);
        assert_null(ears[0].subscription);
        strike_scene(&s);
}

static void test_made_anew(void **state) {
        Ear ear = {};
        Scene s;

        set_scene(&s);
        open_watch(&s);
        make(&s, "/a");
        subscribe(&s, &ear, CGROUP_WATCH_CHILDREN, "/a");
        assert_int_equal(cgroup_subscription_renew(ear.subscription), 0);
        take_away(&s, "/a");
        listen_now(&s);
        assert_int_equal(cgroup_subscription_renew(ear.subscription), -ENOENT);
        make(&s, "/a");
        assert_int_equal(cgroup_subscription_renew(ear.subscription), 1);
        make(&s, "/a/x");
        listen_now(&s);
        assert_int_equal(ear.appeared, 1);

        /* Also before the event about the end of the old one is processed. */
        take_away(&s, "/a/x");
        take_away(&s, "/a");
        make(&s, "/a");
        assert_int_equal(cgroup_subscription_renew(ear.subscription), 1);
        listen_now(&s);
        make(&s, "/a/y");
        listen_now(&s);
        assert_string_equal(ear.last, "y");
        cgroup_subscription_free(ear.subscription);
        strike_scene(&s);
}

static int open_limit(const Scene *s, const char *cgroup) {
        _cleanup_free_ char *path = path_of(s, cgroup), *file = NULL;
        int fd;

        assert_true(asprintf(&file, "%s/misc.max", path) > 0);
        fd = open(file, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

/* In turn, because the kernel merges equal events. */
static void overflow(const int fds[2], unsigned long most) {
        for (unsigned long i = 0; i < most / 2 + 1; i++)
                for (size_t k = 0; k < 2; k++)
                        assert_int_equal(pwrite(fds[k], "1\n", 2, 0), 2);
}

static uint64_t now_usec(void) {
        struct timespec t;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* Each overflow is followed by a look at everything, but for not more than one a second. */
static void test_overflow(void **state) {
        unsigned long most = 16384;
        uint64_t begin;
        Ear ears[2] = {};
        int fds[2];
        FILE *f;
        Scene s;

        f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
        if (f) {
                assert_int_equal(fscanf(f, "%lu", &most), 1);
                fclose(f);
        }
        if (most > 200000)
                skip();

        set_scene(&s);
        open_watch(&s);
        make(&s, "/a");
        make(&s, "/b");
        write_limit(&s, "/a");
        write_limit(&s, "/b");
        subscribe(&s, &ears[0], CGROUP_WATCH_LIMIT, "/a");
        subscribe(&s, &ears[1], CGROUP_WATCH_LIMIT, "/b");
        fds[0] = open_limit(&s, "/a");
        fds[1] = open_limit(&s, "/b");

        begin = now_usec();
        overflow(fds, most);
        listen_now(&s);
        assert_int_equal(s.lost, 1);
        /* Of the writes of a batch one is told of. */
        assert_in_range(ears[0].written, most / 2 / 128, most / 2 / 32);
        for (unsigned i = 0; i < 3; i++) {
                overflow(fds, most);
                listen_now(&s);
        }
        while (s.lost == 1)
                assert_true(sd_event_run(s.event, UINT64_MAX) >= 0);
        assert_true((s.lost - 1) * UINT64_C(1000000) <= now_usec() - begin);

        close(fds[0]);
        close(fds[1]);
        cgroup_subscription_free(ears[0].subscription);
        cgroup_subscription_free(ears[1].subscription);
        strike_scene(&s);
}

static rlim_t limit_descriptors(rlim_t most) {
        struct rlimit limit;
        rlim_t before;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        before = limit.rlim_cur;
        limit.rlim_cur = most;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        return before;
}

/* Subscriptions wait for a descriptor, and then everything must be checked. */
static void test_no_descriptor(void **state) {
        Ear ear = {}, other = {};
        rlim_t before;
        Scene s;

        set_scene(&s);
        make(&s, "/a");
        /* Another timer, as in the daemon: all timers share one descriptor, which must exist before the limit. */
        assert_true(sd_event_add_time_relative(
                            s.event, NULL, CLOCK_MONOTONIC, UINT64_MAX / 4, 0, NULL, NULL) >= 0);
        before = limit_descriptors(0);
        open_watch(&s);
        subscribe(&s, &ear, CGROUP_WATCH_CHILDREN, "/a");
        subscribe(&s, &other, CGROUP_WATCH_CHILDREN, "/");
        assert_int_equal(cgroup_subscription_renew(ear.subscription), 0);
        make(&s, "/a/unseen");
        other.subscription = cgroup_subscription_free(other.subscription);
        (void) limit_descriptors(before);

        while (s.lost == 0)
                assert_true(sd_event_run(s.event, UINT64_MAX) >= 0);
        assert_int_equal(ear.appeared, 0);
        make(&s, "/a/seen");
        listen_now(&s);
        assert_int_equal(ear.appeared, 1);
        assert_string_equal(ear.last, "seen");
        cgroup_subscription_free(ear.subscription);
        strike_scene(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_several_of_one_cgroup),
                cmocka_unit_test(test_made_anew),
                cmocka_unit_test(test_overflow),
                cmocka_unit_test(test_no_descriptor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
