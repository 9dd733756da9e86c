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
                { "pasid 7\npasid_attach 3\n", "pasid_attach", 0, 3 },
                { "pasid_attach 3\npasid 7\n", "pasid", 0, 7 },
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

static void test_values(void **state _unused_) {
        static const struct {
                const char *text;
                int r;
                MiscValues values;
        } cases[] = {
                { "pasid 5\n", 0, { { true, false }, { 5, 0 } } },
                { "pasid_attach 6\n", 0, { { false, true }, { 0, 6 } } },
                { "pasid 5\npasid_attach 6\n", 0, { { true, true }, { 5, 6 } } },
                { "pasid_attach max\nsev 1\npasid 0", 0, { { true, true }, { 0, MISC_MAX } } },

                { "", -ENODATA, {} },
                { "sev 1\npasid_attached 3\n", -ENODATA, {} },
                { "pasid 5\npasid_attach\n", -EBADMSG, {} },
                { "pasid x\npasid_attach 6\n", -EBADMSG, {} },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MiscValues values = { { true, true }, { 4711, 4712 } };

                test_case("\"%s\"", cases[i].text);
                assert_int_equal(misc_file_get_values(cases[i].text, &values), cases[i].r);
                if (cases[i].r < 0) {
                        assert_true(values.value[MISC_PASID] == 4711);
                        assert_true(values.value[MISC_PASID_ATTACH] == 4712);
                        continue;
                }
                for (MiscResource k = 0; k < _MISC_RESOURCE_MAX; k++) {
                        assert_true(values.present[k] == cases[i].values.present[k]);
                        if (values.present[k])
                                assert_true(values.value[k] == cases[i].values.value[k]);
                }
        }
}

static void test_differ(void **state _unused_) {
        static const struct {
                MiscValues values;
                bool differ;
                MiscResource resource;
        } cases[] = {
                { { { true, true }, { 5, 5 } }, false, 0 },
                { { { true, false }, { 5, 0 } }, false, 0 },
                { { { false, true }, { 0, 5 } }, false, 0 },
                { { { true, true }, { 4, 5 } }, true, MISC_PASID },
                { { { true, true }, { 5, 4 } }, true, MISC_PASID_ATTACH },
                { { { true, true }, { 4, 4 } }, true, MISC_PASID },
                { { { false, true }, { 5, MISC_MAX } }, true, MISC_PASID_ATTACH },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MiscResource resource = _MISC_RESOURCE_MAX;

                test_case("%zu", i);
                assert_true(misc_values_differ(&cases[i].values, 5, &resource) == cases[i].differ);
                assert_int_equal(resource, cases[i].differ ? cases[i].resource : _MISC_RESOURCE_MAX);
        }
}

static void test_format(void **state _unused_) {
        char buf[MISC_MAX_LINE_SIZE], value[MISC_VALUE_SIZE];

        assert_string_equal(misc_max_format(MISC_PASID, 0, buf), "pasid 0");
        assert_string_equal(misc_max_format(MISC_PASID_ATTACH, 1000, buf), "pasid_attach 1000");
        assert_string_equal(
                misc_max_format(MISC_PASID_ATTACH, UINT64_MAX - 1, buf), "pasid_attach 18446744073709551614");
        assert_string_equal(misc_max_format(MISC_PASID, MISC_MAX, buf), "pasid max");
        assert_ptr_equal(misc_max_format(MISC_PASID, 1, buf), buf);
        assert_string_equal(misc_value_format(MISC_MAX, value), "max");
        assert_string_equal(misc_value_format(UINT64_MAX - 1, value), "18446744073709551614");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_get),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_differ),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
