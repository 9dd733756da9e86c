/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test-util.h"
#include "utf8.h"

static void test_printable(void **state _unused_) {
        static const struct {
                const char *text;
                bool is;
        } cases[] = {
                { "", true },
                { "demo VM-1", true },
                { "d\xc3\xa9mo", true },
                { "\xe2\x82\xac", true },
                { "\xf0\x9f\x90\xa7", true },
                { "\xf4\x8f\xbf\xbf", true }, /* U+10FFFF */
                { "\xc2\xa0", true },         /* U+00A0, the first after the C1 controls */

                { "a\nb", false },
                { "a\tb", false },
                { "\x1b[31m", false },
                { "\x7f", false },
                { "\xc2\x85", false }, /* NEXT LINE */
                { "\xc2\x9f", false },
                { "\x80", false },
                { "\xc3", false },
                { "\xe2\x82", false },
                { "\xe2\x82x", false },
                { "\xf0\x9f\x90", false },
                { "\xc0\xaf", false },         /* overlong */
                { "\xc1\xbf", false },         /* overlong */
                { "\xe0\x9f\xbf", false },     /* overlong */
                { "\xf0\x8f\xbf\xbf", false }, /* overlong */
                { "\xed\xa0\x80", false },     /* surrogate */
                { "\xed\xbf\xbf", false },     /* surrogate */
                { "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
                { "\xf8\x88\x80\x80\x80", false },
                { "\xff", false },
                { "good\xff", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("row %zu", i);
                assert_int_equal(utf8_is_printable(cases[i].text), cases[i].is);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_printable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
