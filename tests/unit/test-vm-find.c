/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test-util.h"
#include "vm-find.h"

#define UUID_WEB    "aaaabbbb-0000-4000-8000-000000000001"
#define UUID_DB     "aaaacccc-0000-4000-8000-000000000002"
#define UUID_TWIN_1 "11111111-0000-4000-8000-000000000003"
#define UUID_TWIN_2 "22222222-0000-4000-8000-000000000004"
#define UUID_HEX    "33333333-0000-4000-8000-000000000005"
#define UUID_TRICK  "44444444-0000-4000-8000-000000000006"
#define UUID_NONE   "99999999-0000-4000-8000-000000000009"

static const VMIdentity vms[] = {
        { UUID_WEB, "web" },
        { UUID_DB, "db" },
        { UUID_TWIN_1, "twin" },
        { UUID_TWIN_2, "twin" },
        { UUID_HEX, "aaaa" },     /* a name that is a prefix of other VMs' UUIDs */
        { UUID_TRICK, UUID_WEB }, /* a name that is another VM's UUID */
        { NULL, "nameonly" },
        { UUID_NONE, NULL },
};

static void test_found(void **state _unused_) {
        static const struct {
                const char *what;
                size_t index;
        } cases[] = {
                { UUID_DB, 1 },
                { "AAAACCCC-0000-4000-8000-000000000002", 1 },
                { "aaaacccc000040008000000000000002", 1 },
                { UUID_WEB, 0 }, /* not the VM with this name */
                { "web", 0 },
                { "aaaa", 4 }, /* names take precedence over prefixes */
                { "aaaab", 0 },
                { "AAAAC", 1 },
                { "aaaacccc-0", 1 },
                { "aaaacccc0", 1 },
                { "1111", 2 },
                { "2222", 3 },
                { "nameonly", 6 },
                { "9999", 7 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                static char untouched[] = "untouched";
                char *candidates = untouched;
                size_t index = 4711;

                test_case("\"%s\"", cases[i].what);
                assert_int_equal(vm_find(vms, ELEMENTSOF(vms), cases[i].what, &index, &candidates), 0);
                assert_int_equal(index, cases[i].index);
                assert_ptr_equal(candidates, untouched);
        }
}

static void test_not_found(void **state _unused_) {
        static const char *const cases[] = {
                "",
                "we",
                "Web",
                "111",   /* three digits */
                "1-1-1", /* dashes do not count */
                "-",
                "----",
                "1111x",
                "5555",
                "*",
                "55555555-0000-4000-8000-000000000001",
                UUID_DB "0",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                static char untouched[] = "untouched";
                char *candidates = untouched;
                size_t index = 4711;

                test_case("\"%s\"", cases[i]);
                assert_int_equal(vm_find(vms, ELEMENTSOF(vms), cases[i], &index, &candidates), -ENOENT);
                assert_int_equal(vm_find(NULL, 0, cases[i], &index, &candidates), -ENOENT);
                assert_int_equal(index, 4711);
                assert_ptr_equal(candidates, untouched);
        }
}

static void test_ambiguous(void **state _unused_) {
        static const VMIdentity two[] = {
                { UUID_WEB, "web" },
                { UUID_DB, "db" },
        };
        _cleanup_free_ char *names = NULL, *prefixes = NULL;
        size_t index = 4711;

        assert_int_equal(vm_find(vms, ELEMENTSOF(vms), "twin", &index, &names), -ENOTUNIQ);
        assert_string_equal(names, UUID_TWIN_1 " twin\n" UUID_TWIN_2 " twin");

        assert_int_equal(vm_find(two, ELEMENTSOF(two), "aaaa", &index, &prefixes), -ENOTUNIQ);
        assert_string_equal(prefixes, UUID_WEB " web\n" UUID_DB " db");

        assert_int_equal(index, 4711);
}

static void test_many(void **state _unused_) {
        _cleanup_free_ char *candidates = NULL;
        VMIdentity many[20];
        size_t index, lines = 1;

        for (size_t i = 0; i < ELEMENTSOF(many); i++)
                many[i] = (VMIdentity) { UUID_WEB, "clone" };

        assert_int_equal(vm_find(many, ELEMENTSOF(many), "clone", &index, &candidates), -ENOTUNIQ);
        for (const char *p = candidates; *p; p++)
                lines += *p == '\n';
        assert_int_equal(lines, 8);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_found),
                cmocka_unit_test(test_not_found),
                cmocka_unit_test(test_ambiguous),
                cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
