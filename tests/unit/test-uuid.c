/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test-util.h"
#include "uuid.h"

#define UUID "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

static void test_canonical(void **state _unused_) {
        static const struct {
                const char *text;
                const char *canonical; /* NULL: invalid */
        } cases[] = {
                { UUID, UUID },
                { "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0", UUID },
                { "0f1e2d3c4b5a69788796a5b4c3d2e1f0", UUID },
                { "0F1e2D3c4b5a69788796a5b4c3d2e1f0", UUID },
                { "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001" },

                { NULL, NULL },
                { "", NULL },
                { "demo", NULL },
                { "00000000-0000-0000-0000-000000000000", NULL },
                { "00000000000000000000000000000000", NULL },
                { "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f", NULL },
                { UUID "0", NULL },
                { UUID " ", NULL },
                { UUID "\n", NULL },
                { " " UUID, NULL },
                { "{" UUID "}", NULL },
                { "urn:uuid:" UUID, NULL },
                { "0f1e2d3c-4b5a69788796a5b4c3d2e1f0", NULL },
                { "0f1e-2d3c4b5a-6978-8796-a5b4c3d2e1f0", NULL },
                { "0f1e2d3c-4b5a-6978-8796a5b4c3d2e1f0", NULL },
                { "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fg", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char buf[UUID_STRING_SIZE] = "untouched";

                test_case("\"%s\"", cases[i].text ? cases[i].text : "(null)");
                assert_int_equal(uuid_canonical(cases[i].text, buf), cases[i].canonical ? 0 : -EINVAL);
                assert_string_equal(buf, cases[i].canonical ? cases[i].canonical : "untouched");
        }
}

static void test_prefix(void **state _unused_) {
        static const struct {
                const char *prefix;
                bool is;
        } cases[] = {
                { "0", true },
                { "0f1e2d3c", true },
                { "0F1E2D3C", true },
                { "0f1e2d3c-", true },
                { "0f1e2d3c-4", true },
                { "0f1e2d3c4", true },
                { "0f1e2d3c4b5a-6978", true },
                { UUID, true },
                { "0f1e2d3c4b5a69788796a5b4c3d2e1f0", true },

                { "", false },
                { "-", false },
                { "1", false },
                { "0f1e-2d3c", false },
                { "0f1e2d3c--4b5a", false },
                { "0f1e2d3c4b-5a", false },
                { UUID "0", false },
                { UUID "-", false },
                { "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f1", false },
                { "0f1e2d3c 4", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("\"%s\"", cases[i].prefix);
                assert_int_equal(uuid_has_prefix(UUID, cases[i].prefix), cases[i].is);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_canonical),
                cmocka_unit_test(test_prefix),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
