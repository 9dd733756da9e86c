/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "cgroup.h"
#include "file-util.h"
#include "test-util.h"

/* misc.max with two lines, below a directory that looks like the kernel's files. */

#define CGROUP "/vm.scope"

static char root[] = "/tmp/test-cgroup-XXXXXX";

static char *path_of(const char *name) {
        char *path = path_under(root, CGROUP_MOUNT "%s", name);

        assert_non_null(path);
        return path;
}

static void write_misc(const char *name, const char *text) {
        _cleanup_free_ char *path = path_of(name);
        _cleanup_fclose_ FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
}

static void assert_misc_max(const char *expected) {
        _cleanup_free_ char *path = path_of(CGROUP "/misc.max"), *text = NULL;

        assert_int_equal(read_text_file(path, &text), 0);
        assert_string_equal(text, expected);
}

static void test_set_limit(void **state _unused_) {
        static const struct {
                const char *before;
                uint64_t limit;
                int r;
                const char *after;
        } cases[] = {
                /* a kernel with both resources */
                { "pasid max\npasid_attach max\n", 7, 0, "pasid 7\npasid_attach 7\n" },
                { "pasid 7\npasid_attach max\n", 7, 0, "pasid 7\npasid_attach 7\n" },
                { "pasid 8\npasid_attach 7\n", 7, 0, "pasid 7\npasid_attach 7\n" },
                { "pasid 7\npasid_attach 7\n", MISC_MAX, 0, "pasid max\npasid_attach max\n" },
                /* kernels with one of them */
                { "pasid max\n", 7, 0, "pasid 7\n" },
                { "pasid_attach max\n", 7, 0, "pasid_attach 7\n" },
                /* a kernel with neither */
                { "sev max\n", 7, -ENODATA, "sev max\n" },
                { "", 7, -ENODATA, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MiscValues before = {};

                test_case("%zu", i);
                write_misc(CGROUP "/misc.max", cases[i].before);
                assert_int_equal(cgroup_set_limit(root, CGROUP, cases[i].limit, &before), cases[i].r);
                assert_misc_max(cases[i].after);
                if (cases[i].r >= 0)
                        assert_true(before.present[MISC_PASID] == !strncmp(cases[i].before, "pasid ", 6));
        }
}

static void test_set_limit_tells_before(void **state _unused_) {
        MiscValues before = {};

        write_misc(CGROUP "/misc.max", "pasid 5\npasid_attach max\n");
        assert_int_equal(cgroup_set_limit(root, CGROUP, 7, &before), 0);
        assert_true(before.value[MISC_PASID] == 5);
        assert_true(before.value[MISC_PASID_ATTACH] == MISC_MAX);
        assert_int_equal(cgroup_set_limit(root, CGROUP, 8, NULL), 0);
}

static void test_remove_limit(void **state _unused_) {
        static const struct {
                const char *before, *after;
        } cases[] = {
                { "pasid 7\npasid_attach 7\n", "pasid max\npasid_attach max\n" },
                /* A foreign value stays. */
                { "pasid 8\npasid_attach 7\n", "pasid 8\npasid_attach max\n" },
                { "pasid 7\npasid_attach 8\n", "pasid max\npasid_attach 8\n" },
                { "pasid 8\npasid_attach max\n", "pasid 8\npasid_attach max\n" },
                { "pasid 7\n", "pasid max\n" },
                { "pasid_attach 7\n", "pasid_attach max\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%zu", i);
                write_misc(CGROUP "/misc.max", cases[i].before);
                assert_int_equal(cgroup_remove_limit(root, CGROUP, 7), 0);
                assert_misc_max(cases[i].after);
        }
}

static void test_gone(void **state _unused_) {
        MiscValues values;

        assert_int_equal(cgroup_set_limit(root, "/other.scope", 7, NULL), -ENOENT);
        assert_int_equal(cgroup_get_limits(root, "/other.scope", &values), -ENOENT);
}

static void test_capacity(void **state _unused_) {
        static const struct {
                const char *text;
                uint32_t pasids;
                bool counts_attached;
        } cases[] = {
                { "pasid 1048575\n", 1048575, false },
                { "pasid 1048575\npasid_attach 18446744073709551615\n", 1048575, true },
                { "pasid 1048575\npasid_attach max\n", 1048575, true },
                { "pasid_attach max\n", 0, true },
                { "pasid 99999999999\n", UINT32_MAX, false },
                { "sev 10\n", 0, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CgroupCapacity capacity = { 4711, false };

                test_case("%s", cases[i].text);
                write_misc("/misc.capacity", cases[i].text);
                assert_int_equal(cgroup_get_capacity(root, &capacity), 0);
                assert_int_equal(capacity.pasids, cases[i].pasids);
                assert_true(capacity.counts_attached == cases[i].counts_attached);
        }
}

static int setup(void **state _unused_) {
        static const char *const directories[] = { "/sys", "/sys/fs", CGROUP_MOUNT, CGROUP_MOUNT CGROUP };

        if (!mkdtemp(root))
                return -1;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = path_under(root, "%s", directories[i]);

                if (!path || mkdir(path, 0755) < 0)
                        return -1;
        }

        return 0;
}

static int teardown(void **state _unused_) {
        static const char *const names[] = {
                CGROUP_MOUNT CGROUP "/misc.max",
                CGROUP_MOUNT "/misc.capacity",
                CGROUP_MOUNT CGROUP,
                CGROUP_MOUNT,
                "/sys/fs",
                "/sys",
                "",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = path_under(root, "%s", names[i]);

                if (!path || remove(path) < 0)
                        return -1;
        }

        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set_limit),
                cmocka_unit_test(test_set_limit_tells_before),
                cmocka_unit_test(test_remove_limit),
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_capacity),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
