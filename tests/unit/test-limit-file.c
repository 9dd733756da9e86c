/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "file-util.h"
#include "limit-file.h"
#include "sysfs.h"
#include "test-util.h"

/* The numbers of the kernel, below a directory that looks like the kernel's: misc.max as a pair of lines, and single numbers. */

#define CGROUP    "/vm.scope"
#define MISC_FILE CGROUP_MOUNT CGROUP "/misc.max"
#define QUOTA     SYSFS_SETS_DIR "/set1/quota"
#define WATERMARK SYSFS_SETS_DIR "/set1/watermark"
#define DEFAULT   SYSFS_MODULE_DIR "/parameters/default_quota"

static const LimitFile misc_file = { .kind = LIMIT_VM, .cgroup = CGROUP };

static char root[] = "/tmp/test-limit-file-XXXXXX";

static void write_file(const char *name, const char *text) {
        _cleanup_free_ char *path = path_under(root, "%s", name);
        _cleanup_fclose_ FILE *f = path ? fopen(path, "we") : NULL;

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
}

static void assert_file(const char *name, const char *expected) {
        _cleanup_free_ char *path = path_under(root, "%s", name), *text = NULL;

        assert_non_null(path);
        assert_int_equal(read_text_file(path, &text), 0);
        assert_string_equal(text, expected);
}

static void test_misc_max(void **state _unused_) {
        static const struct {
                const char *before;
                uint64_t limit;
                int r;
                const char *after;
        } cases[] = {
                /* a kernel with both */
                { "pasid max\npasid_attach max\n", 7, 0, "pasid 7\npasid_attach 7\n" },
                { "pasid 7\npasid_attach max\n", 7, 0, "pasid 7\npasid_attach 7\n" },
                { "pasid 8\npasid_attach 7\n", 7, 0, "pasid 7\npasid_attach 7\n" },
                { "pasid 7\npasid_attach 7\n", MISC_MAX, 0, "pasid max\npasid_attach max\n" },
                /* kernels with one of them */
                { "pasid max\n", 7, 0, "pasid 7\n" },
                { "pasid_attach max\n", 7, 0, "pasid_attach 7\n" },
                /* and with neither */
                { "sev max\n", 7, -ENODATA, "sev max\n" },
                { "", 7, -ENODATA, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MiscValues before = {};

                test_case("%zu", i);
                write_file(MISC_FILE, cases[i].before);
                assert_int_equal(limit_file_write(root, &misc_file, cases[i].limit, &before), cases[i].r);
                assert_file(MISC_FILE, cases[i].after);
                if (cases[i].r >= 0)
                        assert_true(before.present[MISC_PASID] == !strncmp(cases[i].before, "pasid ", 6));
        }
}

static void test_before(void **state _unused_) {
        MiscValues before = {};

        write_file(MISC_FILE, "pasid 5\npasid_attach max\n");
        assert_int_equal(limit_file_write(root, &misc_file, 7, &before), 0);
        assert_true(before.value[MISC_PASID] == 5);
        assert_true(before.value[MISC_PASID_ATTACH] == MISC_MAX);
        assert_int_equal(limit_file_write(root, &misc_file, 8, NULL), 0);
}

static void test_restore(void **state _unused_) {
        static const char *const cases[] = {
                "pasid 5\npasid_attach max\n",
                "pasid 7\npasid_attach 6\n",
                "pasid 7\npasid_attach 7\n",
                "pasid_attach 3\n",
        };
        MiscValues before;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%zu", i);
                write_file(MISC_FILE, cases[i]);
                assert_int_equal(limit_file_write(root, &misc_file, 7, &before), 0);
                assert_int_equal(limit_file_restore(root, &misc_file, &before), 0);
                assert_file(MISC_FILE, cases[i]);
        }

        /* Of a file that could not be read there is nothing to restore. */
        assert_int_equal(limit_file_restore(root, &misc_file, &(MiscValues) {}), 0);
        assert_file(MISC_FILE, "pasid_attach 3\n");
}

static void test_clear(void **state _unused_) {
        static const struct {
                const char *before, *after;
        } cases[] = {
                { "pasid 7\npasid_attach 7\n", "pasid max\npasid_attach max\n" },
                /* What somebody else has written stays. */
                { "pasid 8\npasid_attach 7\n", "pasid 8\npasid_attach max\n" },
                { "pasid 7\npasid_attach 8\n", "pasid max\npasid_attach 8\n" },
                { "pasid 8\npasid_attach max\n", "pasid 8\npasid_attach max\n" },
                { "pasid 7\n", "pasid max\n" },
                { "pasid_attach 7\n", "pasid_attach max\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%zu", i);
                write_file(MISC_FILE, cases[i].before);
                assert_int_equal(limit_file_clear(root, CGROUP, 7), 0);
                assert_file(MISC_FILE, cases[i].after);
        }
}

static void test_number(void **state _unused_) {
        static const struct {
                LimitFile file;
                const char *name, *other;
        } files[] = {
                { { .kind = LIMIT_SET_QUOTA, .set = 1 }, QUOTA, WATERMARK },
                { { .kind = LIMIT_SET_WATERMARK, .set = 1 }, WATERMARK, DEFAULT },
                { { .kind = LIMIT_DEFAULT_QUOTA }, DEFAULT, QUOTA },
        };

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                MiscValues values = {}, before = {};

                test_case("%s", files[i].name);
                write_file(files[i].name, "5\n");
                write_file(files[i].other, "3\n");
                assert_int_equal(limit_file_write(root, &files[i].file, 7, &before), 0);
                assert_true(before.present[MISC_PASID] && before.value[MISC_PASID] == 5);
                assert_file(files[i].name, "7\n");
                assert_file(files[i].other, "3\n");
                assert_int_equal(limit_file_read(root, &files[i].file, &values), 0);
                assert_true(values.present[MISC_PASID] && values.value[MISC_PASID] == 7);
                assert_false(values.present[MISC_PASID_ATTACH]);

                assert_int_equal(
                        limit_file_write(root, &files[i].file, (uint64_t) UINT32_MAX + 1, NULL), -ERANGE);
                assert_file(files[i].name, "7\n");
        }
}

/* The write is an event for everybody who listens: a number that is there already is left alone. */
static void test_number_is_there(void **state _unused_) {
        const LimitFile file = { .kind = LIMIT_SET_QUOTA, .set = 1 };

        write_file(QUOTA, "7");
        assert_int_equal(limit_file_write(root, &file, 7, NULL), 0);
        assert_file(QUOTA, "7");
        assert_int_equal(limit_file_write(root, &file, 8, NULL), 0);
        assert_file(QUOTA, "8\n");
}

static void test_not_a_number(void **state _unused_) {
        static const char *const texts[] = { "", "max\n", "4294967296\n", "-1\n" };
        const LimitFile file = { .kind = LIMIT_SET_QUOTA, .set = 1 };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                MiscValues values = { .value[MISC_PASID] = 4711 };

                test_case("%s", texts[i]);
                write_file(QUOTA, texts[i]);
                assert_int_equal(limit_file_read(root, &file, &values), -EBADMSG);
                assert_true(values.value[MISC_PASID] == 4711);
        }
}

/* A number that is right is right, whether it can be written or not. As another user, because root can write everything. */
static void test_not_writable(void **state _unused_) {
        static const struct {
                LimitFile file;
                const char *name, *text;
        } files[] = {
                { { .kind = LIMIT_SET_QUOTA, .set = 1 }, QUOTA, "7\n" },
                { { .kind = LIMIT_VM, .cgroup = CGROUP }, MISC_FILE, "pasid 7\npasid_attach 7\n" },
        };
        uid_t uid = geteuid();

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *path = path_under(root, "%s", files[i].name);
                MiscValues before = {};
                int same, other;

                test_case("%s", files[i].name);
                write_file(files[i].name, files[i].text);
                assert_true(path && chmod(path, 0444) >= 0 && chmod(root, 0755) >= 0);
                if (uid == 0)
                        assert_int_equal(seteuid(65534), 0);
                same = limit_file_write(root, &files[i].file, 7, &before);
                other = limit_file_write(root, &files[i].file, 8, NULL);
                assert_int_equal(seteuid(uid), 0);
                assert_int_equal(chmod(path, 0644), 0);

                assert_int_equal(same, 0);
                assert_true(before.present[MISC_PASID] && before.value[MISC_PASID] == 7);
                assert_int_equal(other, -EACCES);
                assert_file(files[i].name, files[i].text);
        }
}

static void test_gone(void **state _unused_) {
        static const LimitFile files[] = {
                { .kind = LIMIT_SLICE, .cgroup = "/other.scope" },
                { .kind = LIMIT_SCOPE, .cgroup = "/other.scope" },
                { .kind = LIMIT_VM, .cgroup = "/other.scope" },
                { .kind = LIMIT_SET_QUOTA, .set = 2 },
                { .kind = LIMIT_SET_WATERMARK, .set = 2 },
        };
        MiscValues values;

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                test_case("%zu", i);
                assert_int_equal(limit_file_write(root, &files[i], 7, NULL), -ENOENT);
                assert_int_equal(limit_file_read(root, &files[i], &values), -ENOENT);
        }
        assert_int_equal(limit_file_clear(root, "/other.scope", 7), -ENOENT);
}

static int setup(void **state _unused_) {
        static const char *const directories[] = {
                "/sys",
                "/sys/fs",
                CGROUP_MOUNT,
                CGROUP_MOUNT CGROUP,
                "/sys/class",
                SYSFS_SETS_DIR,
                SYSFS_SETS_DIR "/set1",
                "/sys/module",
                SYSFS_MODULE_DIR,
                SYSFS_MODULE_DIR "/parameters",
        };

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
                MISC_FILE,
                QUOTA,
                WATERMARK,
                DEFAULT,
                SYSFS_MODULE_DIR "/parameters",
                SYSFS_MODULE_DIR,
                "/sys/module",
                SYSFS_SETS_DIR "/set1",
                SYSFS_SETS_DIR,
                "/sys/class",
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
                cmocka_unit_test(test_misc_max),
                cmocka_unit_test(test_before),
                cmocka_unit_test(test_restore),
                cmocka_unit_test(test_clear),
                cmocka_unit_test(test_number),
                cmocka_unit_test(test_number_is_there),
                cmocka_unit_test(test_not_a_number),
                cmocka_unit_test(test_not_writable),
                cmocka_unit_test(test_gone),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
