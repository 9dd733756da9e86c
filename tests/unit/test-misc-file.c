/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "misc-file.h"
#include "test-util.h"

static void test_get(void **state _unused_) {
        static const struct {
                const char *text;
                const char *key;
                int r;
                uint64_t value;
        } cases[] = {
                { "pasid 5\n", "pasid", 0, 5 },
                { "pasid 5", "pasid", 0, 5 },
                { "pasid 0\n", "pasid", 0, 0 },
                { "pasid max\n", "pasid", 0, MISC_MAX },
                { "pasid 18446744073709551615\n", "pasid", 0, UINT64_MAX },
                { "sev 10\nsev_es 5\npasid 1048575\n", "pasid", 0, 1048575 },
                { "sev 10\nsev_es 5\npasid 7\n", "sev", 0, 10 },
                { "pasid_x 3\npasid 7\n", "pasid", 0, 7 },
                { "pasid.max 4\n", "pasid.max", 0, 4 },
                { "sev.max 1\npasid.max 4\n", "pasid.max", 0, 4 },
                { "\n\npasid 5\n", "pasid", 0, 5 },

                { "", "pasid", -ENODATA, 0 },
                { "\n", "pasid", -ENODATA, 0 },
                { "sev 10\n", "pasid", -ENODATA, 0 },
                { "pasid.max 4\n", "pasid", -ENODATA, 0 },
                { "xpasid 4\n", "pasid", -ENODATA, 0 },
                { " pasid 4\n", "pasid", -ENODATA, 0 },
                { "pasi", "pasid", -ENODATA, 0 },

                { "pasid\n", "pasid", -EBADMSG, 0 },
                { "pasid", "pasid", -EBADMSG, 0 },
                { "pasid \n", "pasid", -EBADMSG, 0 },
                { "pasid -1\n", "pasid", -EBADMSG, 0 },
                { "pasid  1\n", "pasid", -EBADMSG, 0 },
                { "pasid 1 \n", "pasid", -EBADMSG, 0 },
                { "pasid 1 2\n", "pasid", -EBADMSG, 0 },
                { "pasid 0x1\n", "pasid", -EBADMSG, 0 },
                { "pasid maximal\n", "pasid", -EBADMSG, 0 },
                { "pasid ma\n", "pasid", -EBADMSG, 0 },
                { "pasid 18446744073709551616\n", "pasid", -EBADMSG, 0 },
                { "pasid 99999999999999999999999\n", "pasid", -EBADMSG, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t value = 4711;

                test_case("\"%s\" %s", cases[i].text, cases[i].key);
                assert_int_equal(misc_file_get(cases[i].text, cases[i].key, &value), cases[i].r);
                assert_true(value == (cases[i].r < 0 ? 4711 : cases[i].value));
        }
}

static void test_format(void **state _unused_) {
        char buf[MISC_MAX_LINE_SIZE];

        assert_string_equal(misc_max_format(0, buf), "pasid 0");
        assert_string_equal(misc_max_format(1000, buf), "pasid 1000");
        assert_string_equal(misc_max_format(UINT64_MAX - 1, buf), "pasid 18446744073709551614");
        assert_string_equal(misc_max_format(MISC_MAX, buf), "pasid max");
        assert_ptr_equal(misc_max_format(1, buf), buf);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_get),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
