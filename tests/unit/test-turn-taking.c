/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "hold-off.h"
#include "test-util.h"
#include "turn-taking.h"

#define TURNS_MAX 4U

/* A source that precedes others and is always ready, and another one that is, too. */
typedef struct Scene {
        sd_event *event;
        int fd;
        sd_event_source *first, *other;
        TurnTaking *turns;
        unsigned n_first, n_other;
        bool more;
} Scene;

static int on_first(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Scene *s = userdata;

        s->n_first++;
        turn_taking_turn(s->turns, s->more);
        return 0;
}

static int on_other(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        ((Scene *) userdata)->n_other++;
        return 0;
}

static void set_priority(int64_t priority, void *userdata) {
        Scene *s = userdata;

        assert_true(sd_event_source_set_priority(s->first, priority) >= 0);
}

static int64_t priority_of(const Scene *s) {
        int64_t priority;

        assert_true(sd_event_source_get_priority(s->first, &priority) >= 0);
        return priority;
}

static void set_scene(Scene *s) {
        *s = (Scene) { .fd = eventfd(1, EFD_CLOEXEC) };
        assert_true(s->fd >= 0);
        assert_true(sd_event_new(&s->event) >= 0);
        assert_true(sd_event_add_io(s->event, &s->first, s->fd, EPOLLIN, on_first, s) >= 0);
        assert_true(sd_event_add_io(s->event, &s->other, dup(s->fd), EPOLLIN, on_other, s) >= 0);
        assert_true(sd_event_source_set_io_fd_own(s->other, true) >= 0);
        assert_true(turn_taking_new(s->event, SD_EVENT_PRIORITY_IMPORTANT, TURNS_MAX, set_priority, s,
                            &s->turns) >= 0);
        set_priority(SD_EVENT_PRIORITY_IMPORTANT, s);
}

static void strike_scene(Scene *s) {
        turn_taking_free(s->turns);
        sd_event_source_disable_unref(s->first);
        sd_event_source_disable_unref(s->other);
        close(s->fd);
        sd_event_unref(s->event);
}

static void run(Scene *s, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                assert_true(sd_event_run(s->event, 0) >= 0);
}

/* It always leaves something: they take turns after the first one. */
static void test_more(void **state) {
        Scene s;

        set_scene(&s);
        s.more = true;
        run(&s, 1);
        assert_int_equal(s.n_first, 1);
        assert_int_equal(priority_of(&s), SD_EVENT_PRIORITY_NORMAL);
        assert_true(turn_taking_is_shared(s.turns));
        run(&s, 40);
        assert_in_range(s.n_other, 20, 21);

        /* Once it is empty it precedes the other again. */
        s.more = false;
        run(&s, 2);
        assert_int_equal(priority_of(&s), SD_EVENT_PRIORITY_IMPORTANT);
        assert_false(turn_taking_is_shared(s.turns));
        strike_scene(&s);
}

/* It is always empty, and at once ready again. */
static void test_trickle(void **state) {
        Scene s;

        set_scene(&s);
        run(&s, TURNS_MAX - 1);
        assert_int_equal(s.n_first, TURNS_MAX - 1);
        assert_int_equal(priority_of(&s), SD_EVENT_PRIORITY_IMPORTANT);
        run(&s, 1);
        assert_int_equal(priority_of(&s), SD_EVENT_PRIORITY_NORMAL);
        run(&s, 10 * (TURNS_MAX + 2));
        assert_true(s.n_other >= 9);
        assert_true(s.n_first >= 10 * TURNS_MAX);
        strike_scene(&s);
}

/* What comes seldom always precedes others, however often it came. */
static void test_seldom(void **state) {
        Scene s;

        set_scene(&s);
        for (unsigned i = 0; i < 3 * TURNS_MAX; i++) {
                assert_true(sd_event_source_set_enabled(s.first, SD_EVENT_ON) >= 0);
                run(&s, 1);
                assert_int_equal(s.n_first, i + 1);
                assert_true(sd_event_source_set_enabled(s.first, SD_EVENT_OFF) >= 0);
                run(&s, 3);
                assert_int_equal(priority_of(&s), SD_EVENT_PRIORITY_IMPORTANT);
        }
        strike_scene(&s);
}

static void on_held_off(void *userdata) {
        ++*(unsigned *) userdata;
}

static uint64_t now_usec(void) {
        struct timespec t;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static void test_hold_off(void **state) {
        const uint64_t interval = 300000;
        sd_event *event;
        unsigned n = 0;
        uint64_t begin;
        HoldOff *h;

        assert_true(sd_event_new(&event) >= 0);
        assert_true(hold_off_new(event, interval, on_held_off, &n, &h) >= 0);
        begin = now_usec();
        hold_off_request(h);
        assert_int_equal(n, 1);

        /* However often, and none is forgotten. */
        for (unsigned i = 0; i < 5 || n < 2; i++) {
                hold_off_request(h);
                assert_true(sd_event_run(event, 1000) >= 0);
        }
        assert_int_equal(n, 2);
        assert_true(now_usec() - begin >= interval);
        hold_off_free(h);
        sd_event_unref(event);
}

/* When nothing was called for long the next one is at once. */
static void test_hold_off_over(void **state) {
        sd_event *event;
        unsigned n = 0;
        HoldOff *h;

        assert_true(sd_event_new(&event) >= 0);
        assert_true(hold_off_new(event, 1000, on_held_off, &n, &h) >= 0);
        for (unsigned i = 1; i <= 3; i++) {
                hold_off_request(h);
                assert_int_equal(n, i);
                usleep(2000);
        }
        hold_off_free(h);
        sd_event_unref(event);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_more),
                cmocka_unit_test(test_trickle),
                cmocka_unit_test(test_seldom),
                cmocka_unit_test(test_hold_off),
                cmocka_unit_test(test_hold_off_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
