/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log-limit.h"
#include "test-util.h"

#define S UINT64_C(1000000)

static unsigned count_below(LogLimit *l, const char *format, uint64_t now, unsigned n) {
        unsigned suppressed, passed = 0;

        for (unsigned i = 0; i < n; i++)
                passed += log_limit_below(l, format, now, &suppressed);

        return passed;
}

/* Each format has its own limit. The number of suppressed records is reported once. */
static void test_formats(void **state _unused_) {
        static LogLimit l = {};
        static const char formats[2] = {};
        unsigned suppressed = 0;

        assert_int_equal(count_below(&l, &formats[0], 7 * S, LOG_LIMIT_BURST + 23), LOG_LIMIT_BURST);
        assert_int_equal(count_below(&l, &formats[1], 7 * S, LOG_LIMIT_BURST), LOG_LIMIT_BURST);
        assert_true(log_limit_below(&l, &formats[0], 7 * S + LOG_LIMIT_INTERVAL_USEC, &suppressed));
        assert_int_equal(suppressed, 23);
        assert_true(log_limit_below(&l, &formats[0], 7 * S + LOG_LIMIT_INTERVAL_USEC, &suppressed));
        assert_int_equal(suppressed, 0);
}

/* Formats with the same hash do not share a slot. When the table is full, one slot is shared. */
static void test_full(void **state _unused_) {
        static LogLimit l = {};
        static const char formats[4 * LOG_LIMIT_SLOTS] = {};

        for (unsigned round = 0; round < 3; round++) {
                unsigned expected = round == 0 ? LOG_LIMIT_BURST : 0;

                assert_int_equal(count_below(&l, &formats[0], 7 * S, LOG_LIMIT_BURST), expected);
                assert_int_equal(
                        count_below(&l, &formats[LOG_LIMIT_SLOTS], 7 * S, LOG_LIMIT_BURST), expected);
        }
        for (size_t i = 0; i < LOG_LIMIT_SLOTS; i++)
                (void) count_below(&l, &formats[i], 7 * S, LOG_LIMIT_BURST);
        assert_int_equal(count_below(&l, &formats[2 * LOG_LIMIT_SLOTS], 7 * S, 1000), 0);
        assert_int_equal(count_below(&l, &formats[3 * LOG_LIMIT_SLOTS], 7 * S, 1000), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_formats),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
