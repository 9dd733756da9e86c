/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "retry.h"
#include "test-util.h"

#define MS UINT64_C(1000)

/* Each attempt fails: the delays until the next one. */
static void test_delays(void **state _unused_) {
        static const uint64_t delays[] = { 500 * MS, 1000 * MS, 2000 * MS, 4000 * MS, 8000 * MS, 16000 * MS,
                32000 * MS, 60000 * MS, 60000 * MS, 60000 * MS };
        uint64_t now = 7;
        Retry retry = {};

        for (size_t i = 0; i < ELEMENTSOF(delays); i++) {
                test_case("attempt %zu", i);
                retry_failed(&retry, now);
                assert_int_equal(retry.due_usec, now + delays[i]);
                now += delays[i];
                assert_false(retry_take(&retry, now - 1));
                assert_true(retry_take(&retry, now));
                assert_false(retry_take(&retry, now));
        }
}

/* A thousand failures at once count as one attempt, and do not postpone it. */
static void test_many_failures(void **state _unused_) {
        Retry retry = {};

        for (uint64_t i = 0; i < 1000; i++)
                retry_failed(&retry, i);
        assert_int_equal(retry.due_usec, RETRY_DELAY_MIN_USEC);
}

static void test_success(void **state _unused_) {
        Retry retry = {};

        retry_failed(&retry, 0);
        assert_true(retry_take(&retry, UINT64_MAX));
        retry_failed(&retry, 0);
        assert_int_equal(retry.due_usec, 2 * RETRY_DELAY_MIN_USEC);
        retry_succeeded(&retry);
        assert_false(retry_take(&retry, UINT64_MAX));
        retry_failed(&retry, 10);
        assert_int_equal(retry.due_usec, 10 + RETRY_DELAY_MIN_USEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_delays),
                cmocka_unit_test(test_many_failures),
                cmocka_unit_test(test_success),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
