/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "quota.h"
#include "test-util.h"

static const struct {
        const char *text;
        QuotaParseFlags flags;
        int r;
        uint32_t value;
} cases[] = {
        { "0", 0, 0, 0 }, { "1", 0, 0, 1 }, { "1000", 0, 0, 1000 }, { "0000000000000001000", 0, 0, 1000 },
        { "1048575", 0, 0, 1048575 }, { "1048576", 0, 0, 1048576 }, { "max", QUOTA_ALLOW_MAX, 0, 1048576 },
        { "5", QUOTA_ALLOW_MAX, 0, 5 },

        { "1048577", 0, -ERANGE, 0 }, { "4294967296", 0, -ERANGE, 0 }, /* 2^32: 0 in 32 bits */
        { "4294967297", 0, -ERANGE, 0 }, { "18446744073709551617", 0, -ERANGE, 0 },
        { "99999999999999999999999999999999999", 0, -ERANGE, 0 },

        { NULL, 0, -EINVAL, 0 }, { "", 0, -EINVAL, 0 }, { "", QUOTA_ALLOW_MAX, -EINVAL, 0 },
        { "-1", 0, -EINVAL, 0 }, { "-0", 0, -EINVAL, 0 }, { "+1", 0, -EINVAL, 0 }, { " 1", 0, -EINVAL, 0 },
        { "1 ", 0, -EINVAL, 0 }, { "1\n", 0, -EINVAL, 0 }, { "1k", 0, -EINVAL, 0 }, { "1.0", 0, -EINVAL, 0 },
        { "0x10", 0, -EINVAL, 0 }, { "1e3", 0, -EINVAL, 0 },
        { "99999999999999999999x", 0, -EINVAL, 0 }, /* not a number, though its prefix is too large */
        { "max", 0, -EINVAL, 0 }, { "Max", QUOTA_ALLOW_MAX, -EINVAL, 0 },
        { "maximum", QUOTA_ALLOW_MAX, -EINVAL, 0 },
        { "\xd9\xa1", 0, -EINVAL, 0 }, /* ARABIC-INDIC DIGIT ONE */
};

static void test_parse(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint32_t value = 4711;

                test_case("\"%s\"", cases[i].text ? cases[i].text : "(null)");
                assert_int_equal(quota_parse(cases[i].text, cases[i].flags, &value), cases[i].r);
                assert_int_equal(value, cases[i].r < 0 ? 4711 : cases[i].value);
        }
}

static void test_error(void **state _unused_) {
        assert_string_equal(quota_parse_error(-EINVAL), "is not a decimal number without sign");
        assert_non_null(strstr(quota_parse_error(-ERANGE), "1048576"));
        assert_string_equal(quota_parse_error(-ENOMEM), strerror(ENOMEM));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
