/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "cgroup.h"
#include "file-util.h"
#include "test-util.h"

/* What the misc controller has of PASIDs, below a directory that looks like the kernel's. */

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
        static const char *const directories[] = { "/sys", "/sys/fs", CGROUP_MOUNT };

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
                CGROUP_MOUNT "/misc.capacity",
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
                cmocka_unit_test(test_capacity),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
