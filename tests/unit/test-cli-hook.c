/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "hook-config.h"
#include "kernel.h"
#include "test-util.h"

static FILE *open_text(const char *text) {
        static const char empty[] = "";
        FILE *f = fmemopen((void *) (*text ? text : empty), *text ? strlen(text) : 1, "r");

        assert_non_null(f);
        return f;
}

static void test_config_scan(void **state _unused_) {
        static const struct {
                const char *text;
                bool denies; /* if no earlier file did */
                bool denies_still;
        } cases[] = {
                { "bogus\n[Manager", false, true },
                { "HookWithoutDaemon=deny", true, true },
                { "HookWithoutDaemon=allow", false, false },
                { "bogus\n[Manager]\n \tHookWithoutDaemon \t= deny \t\r\n", true, true },
                { "HookWithoutDaemon=deny ; as agreed\n", true, true },
                { "HookWithoutDaemon=allow ;deny\n", false, false },
                { "HookWithoutDaemon=deny\nHookWithoutDaemon=allow\n", false, false },
                { "HookWithoutDaemon=allow\nHookWithoutDaemon=deny\n", true, true },
                /* an invalid value is taken for "deny" */
                { "HookWithoutDaemon=deyn\n", true, true },
                { "HookWithoutDaemon=\n", true, true },
                { "#HookWithoutDaemon=deny\n;HookWithoutDaemon=deny\n", false, true },
                { "HookWithoutDaemonX=deny\nHookWithoutDaemon\nHookWithout=deny\n", false, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%s", cases[i].text);
                for (int before = 0; before < 2; before++) {
                        _cleanup_fclose_ FILE *f = open_text(cases[i].text);

                        assert_int_equal(hook_config_scan(f, before),
                                before ? cases[i].denies_still : cases[i].denies);
                }
        }
}

static void put(const char *directory, const char *name, const char *text) {
        _cleanup_free_ char *path = NULL;
        FILE *f;

        assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

/* A later file takes precedence; an unreadable one is ignored. */
static void test_config_files(void **state _unused_) {
        char directory[] = "/tmp/test-cli-hook.XXXXXX";
        _cleanup_free_ char *first = NULL, *second = NULL;

        assert_non_null(mkdtemp(directory));
        assert_true(asprintf(&first, "%s/first", directory) > 0);
        assert_true(asprintf(&second, "%s/second", directory) > 0);
        const char *const files[] = { first, second, NULL };

        assert_false(hook_config_denies((const char *const[]) { NULL }));
        assert_false(hook_config_denies(files));
        put(directory, "first", "HookWithoutDaemon=deny\n");
        assert_true(hook_config_denies(files));
        put(directory, "second", "HookWithoutDaemon=allow\n");
        assert_false(hook_config_denies(files));
        put(directory, "second", "DefaultQuota=1\n");
        assert_true(hook_config_denies(files));

        assert_int_equal(unlink(first), 0);
        assert_int_equal(unlink(second), 0);
        assert_int_equal(rmdir(directory), 0);
}

static void test_modules_dep(void **state _unused_) {
        static const struct {
                const char *text;
                bool has;
        } cases[] = {
                { "", false },
                { "kernel/drivers/vfio/vfio_pasid.ko:\n", true },
                { "kernel/a.ko: kernel/b.ko\nkernel/drivers/vfio/vfio_pasid.ko.xz: kernel/a.ko.xz\n", true },
                { "updates/vfio-pasid.ko.zst:", true },
                { "vfio_pasid.ko:\n", true },
                /* other programs' dependencies, and names with the same prefix or suffix */
                { "kernel/drivers/vfio/vfio_iommu_type1.ko: kernel/drivers/vfio/vfio_pasid.ko\n", false },
                { "kernel/vfio_pasid_x.ko:\nkernel/xvfio_pasid.ko:\nkernel/vfio_pasi.ko:\nvfio_pasid\n",
                        false },
                { "kernel/vfio_pasid.ko/x.ko:\n", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_fclose_ FILE *f = open_text(cases[i].text);

                test_case("%s", cases[i].text);
                assert_int_equal(modules_dep_has(f, "vfio_pasid"), cases[i].has);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_config_scan),
                cmocka_unit_test(test_config_files),
                cmocka_unit_test(test_modules_dep),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
