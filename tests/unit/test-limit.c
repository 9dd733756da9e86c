/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit.h"
#include "test-util.h"

#define NOW    (UINT64_C(1000000000))
#define WANTED 50U
#define OTHER  9U

static const char *const state_names[] = {
        [LIMIT_ABSENT] = "absent",
        [LIMIT_WAITING] = "waiting",
        [LIMIT_IN_FORCE] = "in force",
        [LIMIT_FAILED] = "failed",
        [LIMIT_FOREIGN] = "foreign",
};

/* Makes a limit that has reached this state by the daemon's transitions. */
static Limit limit_in(LimitState state) {
        Limit limit;

        limit_init(&limit, LIMIT_VM);
        if (state == LIMIT_ABSENT)
                return limit;

        (void) limit_set_desired(&limit, WANTED);
        if (state == LIMIT_IN_FORCE || state == LIMIT_FOREIGN)
                (void) limit_written(&limit, LIMIT_WRITTEN, NULL, NOW);
        if (state == LIMIT_FAILED)
                (void) limit_written(&limit, LIMIT_REFUSED, strdup("refused"), NOW);
        if (state == LIMIT_FOREIGN) {
                (void) limit_seen(&limit, OTHER, FOREIGN_CHANGE_REPORT, NOW);
                limit_set_error(&limit, strdup("somebody else"));
        }

        assert_int_equal(limit.state, state);
        (void) limit_take_change(&limit);
        return limit;
}

/* The step that a transition returns in each state, and the state after it. */
typedef struct Row {
        LimitStep step;
        LimitState state;
} Row;

static void check_row(Limit *limit, LimitStep step, const Row *row) {
        assert_int_equal(step, row->step);
        assert_int_equal(limit->state, row->state);
        limit_done(limit);
}

static void test_want_the_same(void **state _unused_) {
        static const Row rows[_LIMIT_STATE_MAX] = {
                [LIMIT_ABSENT] = { LIMIT_WRITE, LIMIT_WAITING },
                [LIMIT_WAITING] = { LIMIT_WRITE, LIMIT_WAITING },
                [LIMIT_IN_FORCE] = { LIMIT_WRITE, LIMIT_IN_FORCE },
                [LIMIT_FAILED] = { LIMIT_WRITE, LIMIT_FAILED },
                [LIMIT_FOREIGN] = { LIMIT_LEAVE, LIMIT_FOREIGN },
        };

        for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                Limit limit = limit_in(i);

                test_case("%s", state_names[i]);
                check_row(&limit, limit_set_desired(&limit, WANTED), &rows[i]);
        }
}

static void test_want_another(void **state _unused_) {
        static const Row rows[_LIMIT_STATE_MAX] = {
                [LIMIT_ABSENT] = { LIMIT_WRITE, LIMIT_WAITING },
                [LIMIT_WAITING] = { LIMIT_WRITE, LIMIT_WAITING },
                [LIMIT_IN_FORCE] = { LIMIT_WRITE, LIMIT_WAITING },
                [LIMIT_FAILED] = { LIMIT_WRITE, LIMIT_FAILED },
                [LIMIT_FOREIGN] = { LIMIT_WRITE, LIMIT_WAITING },
        };

        for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                Limit limit = limit_in(i);

                test_case("%s", state_names[i]);
                check_row(&limit, limit_set_desired(&limit, WANTED + 1), &rows[i]);
                assert_int_equal(limit.desired, WANTED + 1);
        }
}

static void test_asked(void **state _unused_) {
        static const Row rows[_LIMIT_STATE_MAX] = {
                [LIMIT_ABSENT] = { LIMIT_NOTHING, LIMIT_ABSENT },
                [LIMIT_WAITING] = { LIMIT_WRITE, LIMIT_WAITING },
                [LIMIT_IN_FORCE] = { LIMIT_WRITE, LIMIT_IN_FORCE },
                [LIMIT_FAILED] = { LIMIT_WRITE, LIMIT_FAILED },
                [LIMIT_FOREIGN] = { LIMIT_WRITE, LIMIT_WAITING },
        };

        for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                Limit limit = limit_in(i);

                test_case("%s", state_names[i]);
                check_row(&limit, limit_reassert(&limit), &rows[i]);
        }
}

static void test_seen_as_wanted(void **state _unused_) {
        static const Row rows[_LIMIT_STATE_MAX] = {
                [LIMIT_ABSENT] = { LIMIT_NOTHING, LIMIT_ABSENT },
                [LIMIT_WAITING] = { LIMIT_NOTHING, LIMIT_WAITING },
                [LIMIT_IN_FORCE] = { LIMIT_NOTHING, LIMIT_IN_FORCE },
                [LIMIT_FAILED] = { LIMIT_NOTHING, LIMIT_FAILED },
                [LIMIT_FOREIGN] = { LIMIT_WRITE, LIMIT_WAITING },
        };

        for (ForeignChange policy = 0; policy < _FOREIGN_CHANGE_MAX; policy++)
                for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                        Limit limit = limit_in(i);

                        test_case("%s, %s", state_names[i], foreign_change_to_string(policy));
                        check_row(&limit, limit_seen(&limit, limit.desired, policy, NOW), &rows[i]);
                }
}

/* A value that differs from the one left in place, if there is one. */
static void test_seen_another(void **state _unused_) {
        static const Row rows[_FOREIGN_CHANGE_MAX][_LIMIT_STATE_MAX] = {
                [FOREIGN_CHANGE_REVERT] = {
                        [LIMIT_ABSENT] = { LIMIT_NOTHING, LIMIT_ABSENT },
                        [LIMIT_WAITING] = { LIMIT_NOTHING, LIMIT_WAITING },
                        [LIMIT_IN_FORCE] = { LIMIT_WRITE, LIMIT_IN_FORCE },
                        [LIMIT_FAILED] = { LIMIT_NOTHING, LIMIT_FAILED },
                        [LIMIT_FOREIGN] = { LIMIT_WRITE, LIMIT_IN_FORCE },
                },
                [FOREIGN_CHANGE_ADOPT] = {
                        [LIMIT_ABSENT] = { LIMIT_NOTHING, LIMIT_ABSENT },
                        [LIMIT_WAITING] = { LIMIT_NOTHING, LIMIT_WAITING },
                        [LIMIT_IN_FORCE] = { LIMIT_ADOPT, LIMIT_IN_FORCE },
                        [LIMIT_FAILED] = { LIMIT_NOTHING, LIMIT_FAILED },
                        [LIMIT_FOREIGN] = { LIMIT_ADOPT, LIMIT_FOREIGN },
                },
                [FOREIGN_CHANGE_REPORT] = {
                        [LIMIT_ABSENT] = { LIMIT_NOTHING, LIMIT_ABSENT },
                        [LIMIT_WAITING] = { LIMIT_NOTHING, LIMIT_WAITING },
                        [LIMIT_IN_FORCE] = { LIMIT_LEAVE, LIMIT_FOREIGN },
                        [LIMIT_FAILED] = { LIMIT_NOTHING, LIMIT_FAILED },
                        [LIMIT_FOREIGN] = { LIMIT_LEAVE, LIMIT_FOREIGN },
                },
        };

        for (ForeignChange policy = 0; policy < _FOREIGN_CHANGE_MAX; policy++)
                for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                        Limit limit = limit_in(i);

                        test_case("%s, %s", state_names[i], foreign_change_to_string(policy));
                        check_row(&limit, limit_seen(&limit, OTHER + 1, policy, NOW), &rows[policy][i]);
                }
}

static void test_written(void **state _unused_) {
        static const Row rows[_LIMIT_OUTCOME_MAX] = {
                [LIMIT_WRITTEN] = { LIMIT_NOTHING, LIMIT_IN_FORCE },
                [LIMIT_NOWHERE] = { LIMIT_NOTHING, LIMIT_ABSENT },
                [LIMIT_NOT_YET] = { LIMIT_NOTHING, LIMIT_WAITING },
                [LIMIT_REFUSED] = { LIMIT_WRITE_LATER, LIMIT_FAILED },
        };

        for (LimitOutcome outcome = 0; outcome < _LIMIT_OUTCOME_MAX; outcome++)
                for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                        Limit limit = limit_in(i);

                        test_case("%s, outcome %i", state_names[i], (int) outcome);
                        check_row(&limit, limit_written(&limit, outcome, NULL, NOW), &rows[outcome]);
                }
}

/* Only a failed limit is due by itself. */
static void test_due(void **state _unused_) {
        for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                Limit limit = limit_in(i);
                uint64_t next = i == LIMIT_FAILED ? NOW + RETRY_DELAY_MIN_USEC : 0;

                test_case("%s", state_names[i]);
                assert_int_equal(limit_next(&limit), next);
                assert_int_equal(limit_due(&limit, NOW), next ? LIMIT_WRITE_LATER : LIMIT_NOTHING);
                assert_int_equal(limit_due(&limit, UINT64_MAX), next ? LIMIT_WRITE : LIMIT_NOTHING);
                assert_int_equal(limit.state, i);
                limit_done(&limit);
        }
}

static void test_forget(void **state _unused_) {
        for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                Limit limit = limit_in(i);

                test_case("%s", state_names[i]);
                limit_forget(&limit);
                assert_int_equal(limit.state, LIMIT_ABSENT);
                assert_int_equal(limit_next(&limit), 0);
                assert_null(limit.error);
                limit_done(&limit);
        }
}

static void test_is_in_force(void **state _unused_) {
        static const bool in_force[_LIMIT_STATE_MAX] = { [LIMIT_ABSENT] = true, [LIMIT_IN_FORCE] = true };

        for (LimitState i = 0; i < _LIMIT_STATE_MAX; i++) {
                Limit limit = limit_in(i);

                test_case("%s", state_names[i]);
                assert_int_equal(limit_is_in_force(&limit), in_force[i]);
                limit_done(&limit);
        }
}

/* Each attempt fails: the delay doubles. Success resets it. */
static void test_backoff(void **state _unused_) {
        Limit limit = limit_in(LIMIT_FAILED);
        uint64_t now = limit_next(&limit);

        assert_int_equal(limit_due(&limit, now), LIMIT_WRITE);
        (void) limit_written(&limit, LIMIT_REFUSED, NULL, now);
        assert_int_equal(limit_next(&limit), now + 2 * RETRY_DELAY_MIN_USEC);

        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, now);
        assert_int_equal(limit_next(&limit), 0);
        (void) limit_written(&limit, LIMIT_REFUSED, NULL, now);
        assert_int_equal(limit_next(&limit), now + RETRY_DELAY_MIN_USEC);
        limit_done(&limit);
}

/* Two writers that both insist: one restoration per hold-off. */
static void test_holdoff(void **state _unused_) {
        Limit limit = limit_in(LIMIT_IN_FORCE);
        uint64_t later = NOW + LIMIT_HOLDOFF_USEC;

        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_REVERT, NOW), LIMIT_WRITE);
        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, NOW);
        assert_int_equal(limit_next(&limit), 0);

        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_REVERT, NOW + 1), LIMIT_WRITE_LATER);
        assert_int_equal(limit_next(&limit), later);
        assert_int_equal(limit_due(&limit, later - 1), LIMIT_WRITE_LATER);
        assert_int_equal(limit_due(&limit, later), LIMIT_WRITE);
        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, later);

        /* This was a restoration, too. */
        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_REVERT, later + 1), LIMIT_WRITE_LATER);
        /* The foreign writer has restored the number. */
        assert_int_equal(limit_seen(&limit, WANTED, FOREIGN_CHANGE_REVERT, later + 2), LIMIT_NOTHING);
        assert_int_equal(limit_next(&limit), 0);
        limit_done(&limit);
}

/* An adoption that fails is not tried again in the hold-off: the value is replaced after it. */
static void test_adoption_failed(void **state _unused_) {
        Limit limit = limit_in(LIMIT_IN_FORCE);
        uint64_t later = NOW + LIMIT_HOLDOFF_USEC;

        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_ADOPT, NOW), LIMIT_ADOPT);
        assert_int_equal(limit_adoption_failed(&limit, NOW), LIMIT_WRITE);
        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, NOW);

        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_ADOPT, NOW + 1), LIMIT_WRITE_LATER);
        assert_int_equal(limit_next(&limit), later);
        assert_int_equal(limit_due(&limit, later), LIMIT_WRITE);
        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, later);

        assert_int_equal(
                limit_seen(&limit, OTHER, FOREIGN_CHANGE_ADOPT, later + LIMIT_HOLDOFF_USEC), LIMIT_ADOPT);
        limit_done(&limit);
}

/* The hold-off of a restoration is not one of adoptions: the policy can have changed since. */
static void test_adopted_after_restoration(void **state _unused_) {
        Limit limit = limit_in(LIMIT_IN_FORCE);

        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_REVERT, NOW), LIMIT_WRITE);
        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, NOW);
        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_ADOPT, NOW + 1), LIMIT_ADOPT);

        /* The same for a value whose restoration is due. */
        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_REVERT, NOW + 2), LIMIT_WRITE_LATER);
        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_ADOPT, NOW + 3), LIMIT_ADOPT);
        limit_done(&limit);
}

/* A foreign value is left in place once, until the desired number changes. */
static void test_left(void **state _unused_) {
        Limit limit = limit_in(LIMIT_FOREIGN);

        assert_int_equal(limit_seen(&limit, OTHER, FOREIGN_CHANGE_REPORT, NOW), LIMIT_NOTHING);
        assert_int_equal(limit_seen(&limit, OTHER + 1, FOREIGN_CHANGE_REPORT, NOW), LIMIT_LEAVE);
        assert_int_equal(limit_seen(&limit, OTHER + 1, FOREIGN_CHANGE_REPORT, NOW), LIMIT_NOTHING);
        assert_int_equal(limit_set_desired(&limit, WANTED), LIMIT_LEAVE);
        assert_int_equal(limit_set_desired(&limit, WANTED + 1), LIMIT_WRITE);
        limit_done(&limit);
}

static void test_change(void **state _unused_) {
        Limit limit = limit_in(LIMIT_IN_FORCE);

        /* A different number is in force: the state has not changed. */
        (void) limit_set_desired(&limit, WANTED + 1);
        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, NOW);
        assert_false(limit_take_change(&limit));

        (void) limit_written(&limit, LIMIT_REFUSED, strdup("refused"), NOW);
        assert_true(limit_take_change(&limit));
        (void) limit_set_desired(&limit, WANTED + 2);
        (void) limit_written(&limit, LIMIT_REFUSED, strdup("refused"), NOW);
        assert_false(limit_take_change(&limit));
        (void) limit_written(&limit, LIMIT_REFUSED, strdup("refused otherwise"), NOW);
        assert_true(limit_take_change(&limit));
        (void) limit_written(&limit, LIMIT_WRITTEN, NULL, NOW);
        assert_true(limit_take_change(&limit));
        assert_false(limit_take_change(&limit));
        limit_done(&limit);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_want_the_same),
                cmocka_unit_test(test_want_another),
                cmocka_unit_test(test_asked),
                cmocka_unit_test(test_seen_as_wanted),
                cmocka_unit_test(test_seen_another),
                cmocka_unit_test(test_written),
                cmocka_unit_test(test_due),
                cmocka_unit_test(test_forget),
                cmocka_unit_test(test_is_in_force),
                cmocka_unit_test(test_backoff),
                cmocka_unit_test(test_holdoff),
                cmocka_unit_test(test_adoption_failed),
                cmocka_unit_test(test_adopted_after_restoration),
                cmocka_unit_test(test_left),
                cmocka_unit_test(test_change),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
