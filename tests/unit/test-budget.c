/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "budget.h"
#include "macro.h"
#include "test-util.h"

#define SEC UINT64_C(1000000)

static const BucketRate rate = { .per_sec = 100, .burst = 50 };

static void test_bucket(void **state) {
        static const struct {
                uint64_t usec, draw;
                uint64_t wait; /* expected bucket_wait() afterwards */
                bool full;
        } steps[] = {
                { 10 * SEC, 0, 0, true },
                { 10 * SEC, 49, 0, false },
                { 10 * SEC, 1, 10001, false },
                { 10 * SEC, 50, 510001, false },    /* overdrawn */
                { 10 * SEC + 510000, 0, 0, false }, /* one token */
                { 11 * SEC + 10000, 0, 0, true },   /* full, not more */
                { 1000 * SEC, 0, 0, true },
                { 1000 * SEC, 150, 1010001, false },
                { 999 * SEC, 0, 1010001, false }, /* the clock goes back: no tokens are added */
                { 1002 * SEC, 0, 0, true },
        };
        Bucket b = {};

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                if (steps[i].draw > 0)
                        bucket_draw(&b, &rate, steps[i].usec, steps[i].draw);
                assert_int_equal(bucket_wait(&b, &rate, steps[i].usec), steps[i].wait);
                assert_int_equal(bucket_is_full(&b, &rate, steps[i].usec), steps[i].full);
        }
}

/* After the time that bucket_wait() returns, there is a token. */
static void test_wait_is_enough(void **state) {
        for (uint64_t drawn = 0; drawn < 300; drawn += 7) {
                Bucket b = {};
                uint64_t wait;

                bucket_draw(&b, &rate, SEC, drawn);
                wait = bucket_wait(&b, &rate, SEC);
                assert_int_equal(bucket_wait(&b, &rate, SEC + wait), 0);
                assert_int_equal(wait > 0, drawn >= rate.burst);
        }
}

static void test_large_numbers(void **state) {
        Bucket b = {};

        bucket_draw(&b, &rate, 0, UINT32_MAX);
        assert_true(bucket_wait(&b, &rate, UINT64_MAX) == 0);
        assert_true(bucket_is_full(&b, &rate, UINT64_MAX));
        assert_true(bucket_wait(&b, &rate, SEC) > 1000 * SEC);
}

static void test_share(void **state) {
        static const struct {
                uint64_t own, used, amount, max;
                bool allowed;
        } cases[] = {
                { 0, 0, 1, 256, true },
                { 84, 84, 1, 256, true },
                { 85, 85, 1, 256, false },
                { 0, 85, 1, 256, true }, /* a different user */
                { 0, 254, 1, 256, true },
                { 0, 255, 1, 256, false }, /* the last one */
                { 0, 256, 1, 256, false },
                { 0, 300, 1, 256, false }, /* root may have exceeded max */
                { 0, 0, 85, 256, true },
                { 0, 0, 87, 256, false },
                { 0, 0, UINT64_MAX, 256, false },
                { 0, 0, 0, 0, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(share_allows(cases[i].own, cases[i].used, cases[i].amount, cases[i].max),
                        cases[i].allowed);
}

/* If all users take the maximum, each further one still gets something, up to the last unit. */
static void test_shares_of_many(void **state) {
        uint64_t used = 0;

        for (unsigned user = 0; user < 10; user++) {
                uint64_t own = 0;

                while (share_allows(own, used, 1, 256)) {
                        own++;
                        used++;
                }
                assert_true(own > 0);
                assert_true(own <= 256 / 3);
        }
        assert_true(used < 256);
}

/* From any number of uids, users cannot take root's places, nor one user more than per_user. */
static void test_places_for_root(void **state) {
        static const Places cases[] = {
                { .max = 288, .for_root = 32 },
                { .max = 512, .for_root = 128, .per_user = 128 },
                { .max = 8192, .for_root = 4096, .per_user = 512 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Places *p = &cases[i];
                PlacesTaken all = {}, root;
                uint64_t n = 0;

                for (uint32_t uid = 1; uid <= 10000; uid++) {
                        PlacesTaken taken = all;

                        while (places_allow(p, &taken, uid, 1))
                                places_count(&taken, uid, true, 1);
                        if (p->per_user > 0)
                                assert_true(taken.own <= p->per_user);
                        all = (PlacesTaken) { .users = taken.users, .all = taken.all };
                }
                assert_true(all.users < p->max - p->for_root);
                assert_int_equal(all.users, all.all);

                for (root = all; places_allow(p, &root, 0, 1); n++)
                        places_count(&root, 0, true, 1);
                assert_true(n > p->for_root);
                assert_int_equal(root.all, p->max);
                assert_int_equal(root.users, all.users);
        }
}

static void test_places(void **state) {
        static const Places places = { .max = 100, .for_root = 10, .per_user = 20 };
        static const struct {
                PlacesTaken taken;
                uint32_t uid;
                uint64_t amount;
                bool allowed;
        } cases[] = {
                { { 0, 0, 0 }, 1, 20, true },
                { { 0, 0, 0 }, 1, 21, false },
                { { 19, 19, 19 }, 1, 1, true },
                { { 20, 20, 20 }, 1, 1, false },
                { { 0, 88, 88 }, 1, 1, true },
                { { 0, 89, 89 }, 1, 1, false }, /* the last unit, and root's places */
                { { 0, 89, 89 }, 0, 11, true },
                { { 0, 89, 89 }, 0, 12, false },
                { { 0, 0, 99 }, 1, 1, true }, /* root has most of them */
                { { 0, 0, 100 }, 1, 1, false },
                { { 100, 0, 100 }, 0, 1, false },
                { { 0, 0, 0 }, 0, 100, true },
                { { 0, 0, 0 }, 0, UINT64_MAX, false },
                { { 0, 0, 101 }, 0, 0, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(places_allow(&places, &cases[i].taken, cases[i].uid, cases[i].amount),
                        cases[i].allowed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bucket),
                cmocka_unit_test(test_wait_is_enough),
                cmocka_unit_test(test_large_numbers),
                cmocka_unit_test(test_share),
                cmocka_unit_test(test_shares_of_many),
                cmocka_unit_test(test_places_for_root),
                cmocka_unit_test(test_places),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
