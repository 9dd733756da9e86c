/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup-path.h"
#include "test-util.h"

/* For functions that convert a string to a string. */
typedef struct Case {
        const char *in;
        int r;
        const char *out;
} Case;

static void check(int (*f)(const char *in, char **ret), const Case *cases, size_t n) {
        for (size_t i = 0; i < n; i++) {
                static char untouched[] = "untouched";
                char *out = untouched;

                test_case("\"%s\"", cases[i].in);
                assert_int_equal(f(cases[i].in, &out), cases[i].r);
                if (cases[i].r < 0)
                        assert_ptr_equal(out, untouched);
                else {
                        assert_string_equal(out, cases[i].out);
                        free(out);
                }
        }
}

static void test_from_slice(void **state _unused_) {
        static const Case cases[] = {
                { "-.slice", 0, "/" },
                { "machine.slice", 0, "/machine.slice" },
                { "a-b.slice", 0, "/a.slice/a-b.slice" },
                { "a-b-c.slice", 0, "/a.slice/a-b.slice/a-b-c.slice" },
                { "tenant_1:x.y-b.slice", 0, "/tenant_1:x.y.slice/tenant_1:x.y-b.slice" },
                { "a\\x2db.slice", 0, "/a\\x2db.slice" },
                /* Names that collide with the kernel's files are escaped. */
                { "memory.slice", 0, "/_memory.slice" },
                { "memory-a.slice", 0, "/_memory.slice/memory-a.slice" },
                { "a-memory.slice", 0, "/a.slice/a-memory.slice" },
                { "memoryx.slice", 0, "/memoryx.slice" },
                { "cgroup.x.slice", 0, "/_cgroup.x.slice" },
                { "_a.slice", 0, "/__a.slice" },
                { "_a-b.slice", 0, "/__a.slice/__a-b.slice" },

                { "", -EINVAL, NULL },
                { ".slice", -EINVAL, NULL },
                { "machine", -EINVAL, NULL },
                { "machine.scope", -EINVAL, NULL },
                { "machine.slice ", -EINVAL, NULL },
                { "/machine.slice", -EINVAL, NULL },
                { "a/b.slice", -EINVAL, NULL },
                { "../a.slice", -EINVAL, NULL },
                { "a b.slice", -EINVAL, NULL },
                { "a@b.slice", -EINVAL, NULL },
                { "d\xc3\xa9mo.slice", -EINVAL, NULL },
                { "-a.slice", -EINVAL, NULL },
                { "a-.slice", -EINVAL, NULL },
                { "a--b.slice", -EINVAL, NULL },
                { "--.slice", -EINVAL, NULL },
        };
        _cleanup_free_ char *longest = NULL, *many = NULL, *path = NULL;

        check(cgroup_path_from_slice, cases, ELEMENTSOF(cases));

        /* A unit name can have 255 bytes. */
        assert_true(asprintf(&longest, "%0249d.slice", 0) == 255);
        assert_int_equal(cgroup_path_from_slice(longest, &path), 0);
        assert_string_equal(path + 1, longest);
        free(path);
        path = NULL;
        free(longest);
        assert_true(asprintf(&longest, "%0250d.slice", 0) == 256);
        assert_int_equal(cgroup_path_from_slice(longest, &path), -EINVAL);
        assert_null(path);

        /* The maximum number of levels, all of them escaped. */
        many = strdup("_");
        for (unsigned i = 0; i < 123; i++) {
                char *longer;

                assert_true(asprintf(&longer, "%s-a", many) > 0);
                free(many);
                many = longer;
        }
        free(longest);
        assert_true(asprintf(&longest, "%s.slice", many) == 253);
        assert_int_equal(cgroup_path_from_slice(longest, &path), 0);
        assert_true(strncmp(path, "/__.slice/__-a.slice/__-a-a.slice/",
                            strlen("/__.slice/__-a.slice/__-a-a.slice/")) == 0);
        assert_string_equal(strrchr(path, '/') + 2, longest);
}

static void test_get_unit(void **state _unused_) {
        static const struct {
                const char *path;
                int r;
                const char *unit;
                const char *unit_path;
        } cases[] = {
                { "/machine.slice/machine-qemu\\x2d1\\x2ddemo.scope", 0, "machine-qemu\\x2d1\\x2ddemo.scope",
                        "/machine.slice/machine-qemu\\x2d1\\x2ddemo.scope" },
                { "/machine.slice/machine-qemu\\x2d1\\x2ddemo.scope/libvirt/vcpu0", 0,
                        "machine-qemu\\x2d1\\x2ddemo.scope",
                        "/machine.slice/machine-qemu\\x2d1\\x2ddemo.scope" },
                { "/machine.slice/m.scope/inner.scope", 0, "m.scope", "/machine.slice/m.scope" },
                { "/system.slice/vm.service", 0, "vm.service", "/system.slice/vm.service" },
                { "/system.slice/vm.service/", 0, "vm.service", "/system.slice/vm.service" },
                { "/system.slice/system-vm.slice/vm@1.service/sub", 0, "vm@1.service",
                        "/system.slice/system-vm.slice/vm@1.service" },
                { "/init.scope", 0, "init.scope", "/init.scope" },
                { "/machine/qemu-1-demo.libvirt-qemu/vcpu0", 0, "qemu-1-demo.libvirt-qemu",
                        "/machine/qemu-1-demo.libvirt-qemu" },
                { "//a.slice//b.scope//c", 0, "b.scope", "//a.slice//b.scope" },
                { "/system.slice/_cpu.service", 0, "cpu.service", "/system.slice/_cpu.service" },

                /* A user's manager is not a VM, but its units can be. */
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/vm.service", 0, "vm.service",
                        "/user.slice/user-1000.slice/user@1000.service/app.slice/vm.service" },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/vm.service/x.scope", 0,
                        "vm.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/vm.service" },
                { "/user.slice/user-1000.slice/user@1000.service/init.scope", 0, "init.scope",
                        "/user.slice/user-1000.slice/user@1000.service/init.scope" },
                { "/user.slice/user-1000.slice/user@1000.service", 0, "user@1000.service",
                        "/user.slice/user-1000.slice/user@1000.service" },
                { "/user.slice/user-1000.slice/session-1.scope", 0, "session-1.scope",
                        "/user.slice/user-1000.slice/session-1.scope" },

                { "/", -ENXIO, NULL, NULL },
                { "/machine.slice", -ENXIO, NULL, NULL },
                { "/a/b/c", -ENXIO, NULL, NULL },
                { "/machine.slice/.scope", -ENXIO, NULL, NULL },
                { "/machine.slice/.service/x", -ENXIO, NULL, NULL },
                { "/machine.slice/xscope", -ENXIO, NULL, NULL },

                { "", -EINVAL, NULL, NULL },
                { "machine.slice/m.scope", -EINVAL, NULL, NULL },
                { "/../m.scope", -EINVAL, NULL, NULL },
                { "/machine.slice/../../m.scope", -EINVAL, NULL, NULL },
                { "/./m.scope", -EINVAL, NULL, NULL },
                { "/m.scope/..", -EINVAL, NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                static char untouched[] = "untouched";
                char *unit = untouched, *unit_path = untouched;

                test_case("\"%s\"", cases[i].path);
                assert_int_equal(cgroup_path_get_unit(cases[i].path, &unit, &unit_path), cases[i].r);
                assert_int_equal(cgroup_path_get_unit(cases[i].path, NULL, NULL), cases[i].r);

                if (cases[i].r < 0) {
                        assert_ptr_equal(unit, untouched);
                        assert_ptr_equal(unit_path, untouched);
                        continue;
                }

                assert_string_equal(unit, cases[i].unit);
                assert_string_equal(unit_path, cases[i].unit_path);
                free(unit);
                free(unit_path);
        }
}

static void test_is_of_libvirt(void **state _unused_) {
        static const struct {
                const char *path;
                bool is;
        } cases[] = {
                { "/machine/qemu-1-demo.libvirt-qemu", true },
                { "/machine/a.partition/b.partition/qemu-1-demo.libvirt-qemu", true },
                { "/machine.slice/qemu-1-demo.libvirt-qemu", true },
                { "/qemu-1-demo.libvirt-qemu", true },
                { "/machine/qemu-1-demo.libvirt-qemu/emulator", false },
                { "/machine/.libvirt-qemu", false },
                { "/machine/qemu-1-demo.scope", false },
                { "/machine/../qemu-1-demo.libvirt-qemu", false },
                { "/lxc/qemu-1-demo.libvirt-qemu", false },
                { "/user.slice/user-1000.slice/user@1000.service/qemu-1-demo.libvirt-qemu", false },
                { "/user.slice/user-1000.slice/session-1.scope/qemu-1-demo.libvirt-qemu", false },
                { "machine/qemu-1-demo.libvirt-qemu", false },
                { "/", false },
                { "", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (cgroup_path_is_of_libvirt(cases[i].path) != cases[i].is)
                        fail_msg("%s", cases[i].path);
}

static void test_get_slice(void **state _unused_) {
        static const Case cases[] = {
                { "/machine.slice/m.scope", 0, "machine.slice" },
                { "/machine.slice/machine-a.slice/m.scope/libvirt", 0, "machine-a.slice" },
                { "/machine.slice/m.scope/inner.slice", 0, "machine.slice" },
                { "/machine.slice", 0, "machine.slice" },
                { "/machine.slice/foreign/m.scope", 0, "machine.slice" },
                { "/_memory.slice/m.scope", 0, "memory.slice" },
                { "/m.scope", 0, "-.slice" },
                { "/", 0, "-.slice" },
                { "/.slice/m.scope", 0, "-.slice" },
                /* A slice of a user's manager must not be taken for a system slice. */
                { "/user.slice/user-1000.slice/user@1000.service/tenant.slice/vm.service", 0,
                        "user-1000.slice" },
                /* Nor what is called so in a container. */
                { "/lxc.payload.c1/tenant.slice/vm.service", 0, "-.slice" },
                { "/machine.slice/foreign/machine-a.slice/m.scope", 0, "machine.slice" },
                /* A slice is only in one place. */
                { "/c1.slice/tenant.slice/vm.service", 0, "c1.slice" },
                { "/machine-a.slice/m.scope", 0, "-.slice" },
                { "/machine.slice/machine-a-b.slice/m.scope", 0, "machine.slice" },
                { "/machine.slice/machine-.slice/m.scope", 0, "machine.slice" },
                { "/machine.slice/machinea.slice/m.scope", 0, "machine.slice" },
                { "/machine.slice/machine.slice/m.scope", 0, "machine.slice" },
                { "/a b.slice/m.scope", 0, "-.slice" },
                { "/_.slice/m.scope", 0, "-.slice" },
                { "/_cpu.slice/_cpu.a-b.slice/m.scope", 0, "cpu.slice" },
                { "/_cpu.a.slice/_cpu.a-b.slice/m.scope", 0, "cpu.a-b.slice" },

                { "", -EINVAL, NULL },
                { "machine.slice/m.scope", -EINVAL, NULL },
                { "/../machine.slice/m.scope", -EINVAL, NULL },
        };

        check(cgroup_path_get_slice, cases, ELEMENTSOF(cases));
}

static void test_is_below(void **state _unused_) {
        static const struct {
                const char *path;
                const char *prefix;
                bool is;
        } cases[] = {
                { "/a/b", "/a/b", true },
                { "/a/b/c", "/a/b", true },
                { "/a/b", "/", true },
                { "/", "/", true },
                { "/a/b", "/a/b/", true },
                { "/a/b/", "/a/b", true },
                { "//a//b", "/a/b", true },

                { "/a/bc", "/a/b", false },
                { "/a/b", "/a/bc", false },
                { "/a", "/a/b", false },
                { "/", "/a", false },
                { "/b/a", "/a", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("\"%s\" below \"%s\"", cases[i].path, cases[i].prefix);
                assert_int_equal(cgroup_path_is_below(cases[i].path, cases[i].prefix), cases[i].is);
        }
}

static void test_slice_is_below(void **state _unused_) {
        static const struct {
                const char *slice;
                const char *above;
                bool is;
        } cases[] = {
                { "a.slice", "a.slice", true },
                { "a-b.slice", "a.slice", true },
                { "a-b-c.slice", "a-b.slice", true },
                { "a-b.slice", "-.slice", true },
                { "-.slice", "-.slice", true },

                { "ab.slice", "a.slice", false },
                { "a.slice", "a-b.slice", false },
                { "-.slice", "a.slice", false },
                { "b.slice", "a.slice", false },
                { "a-b", "a.slice", false },
                { "a-b.slice", "a", false },
                { "", "", false },
                { "a-b.slice", "a-.slice", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("\"%s\" below \"%s\"", cases[i].slice, cases[i].above);
                assert_int_equal(slice_is_below(cases[i].slice, cases[i].above), cases[i].is);
        }
}

static void test_unescape(void **state _unused_) {
        static const Case cases[] = {
                { "machine-qemu\\x2d1\\x2ddemo.scope", 0, "machine-qemu-1-demo.scope" },
                { "plain.scope", 0, "plain.scope" },
                { "", 0, "" },
                { "a-b", 0, "a-b" },
                { "\\x41\\X42", -EINVAL, NULL },
                { "\\x4A\\x4a", 0, "JJ" },
                { "\\xc3\\xa9", 0, "\xc3\xa9" },
                { "\\x5cx2d", 0, "\\x2d" }, /* unescaped only once */

                { "\\", -EINVAL, NULL },
                { "a\\x", -EINVAL, NULL },
                { "a\\x2", -EINVAL, NULL },
                { "a\\x2g", -EINVAL, NULL },
                { "a\\xg2", -EINVAL, NULL },
                { "a\\n", -EINVAL, NULL },
                { "a\\\\", -EINVAL, NULL },
                { "a\\x00b", -EINVAL, NULL },
        };

        check(unit_name_unescape, cases, ELEMENTSOF(cases));
}

static void test_machine_name(void **state _unused_) {
        static const Case cases[] = {
                { "qemu-1-demo", 0, "demo" },
                { "qemu-12345-a-b-c", 0, "a-b-c" },
                { "ch-7-demo", 0, "demo" },
                { "qemu-1-qemu-2-demo", 0, "qemu-2-demo" },

                { "demo", 0, "demo" },
                { "", 0, "" },
                { "qemu-demo", 0, "qemu-demo" },
                { "qemu--demo", 0, "qemu--demo" },
                { "qemu-1-", 0, "qemu-1-" },
                { "qemu-1", 0, "qemu-1" },
                { "qemu-1x-demo", 0, "qemu-1x-demo" },
                { "xqemu-1-demo", 0, "xqemu-1-demo" },
                { "lxc-1-demo", 0, "lxc-1-demo" },
        };

        check(machine_name_to_vm_name, cases, ELEMENTSOF(cases));
}

static void test_libvirt_machine(void **state _unused_) {
        static const Case cases[] = {
                { "machine-qemu\\x2d1\\x2ddemo.scope", 0, "qemu-1-demo" },
                { "machine-qemu\\x2d12\\x2da\\x2db.c.scope", 0, "qemu-12-a-b.c" },
                { "machine-ch\\x2d7\\x2ddemo.scope", 0, "ch-7-demo" },
                { "machine-qemu-1-demo.scope", 0, "qemu-1-demo" },

                { "machine-demo.scope", -ENXIO, NULL },
                { "machine-qemu\\x2ddemo.scope", -ENXIO, NULL },
                { "machine-qemu\\x2d1\\x2d.scope", -ENXIO, NULL },
                { "machine-qemu\\x2d1\\x2ddemo.service", -ENXIO, NULL },
                { "machine-qemu\\x2d1\\x2ddemo", -ENXIO, NULL },
                { "machine-qemu\\x2d1\\x2ddemo\\x0.scope", -ENXIO, NULL },
                { "xmachine-qemu\\x2d1\\x2ddemo.scope", -ENXIO, NULL },
                { "qemu\\x2d1\\x2ddemo.scope", -ENXIO, NULL },
                { "machine-.scope", -ENXIO, NULL },
                { "machine-scope", -ENXIO, NULL },
                { ".scope", -ENXIO, NULL },
                { "", -ENXIO, NULL },
        };

        check(unit_name_to_libvirt_machine, cases, ELEMENTSOF(cases));
}

static void test_machine_fits(void **state _unused_) {
        static const struct {
                const char *machine, *name;
                bool fits, exact;
        } cases[] = {
                { "qemu-1-demo", "demo", true, true },
                { "ch-1-demo", "demo", true, true },
                { "qemu-1-a-b", "a-b", true, true },
                { "qemu-1-ab", "a b", true, false },
                { "qemu-1-ab", "_a.b-é", true, false },
                { "qemu-1-a-b", "-a--b-", true, false },

                { "qemu-1-demo", "dem", false, false },
                { "qemu-1-dem", "demo", false, false },
                { "qemu-1-demo", "Demo", false, false },
                { "qemu-1-demo", "1-demo", false, false },
                { "qemu-1-demo", "", false, false },
                { "demo", "demo", false, false },
                { "lxc-1-demo", "demo", false, false },

                /* 64 characters; 63 where the last one was a dash; 62. */
                { "qemu-1-a23456789b123456789c123456789d123456789e123456789f1234567",
                        "a23456789b123456789c123456789d123456789e123456789f1234567890", true, false },
                { "qemu-1-a23456789b123456789c123456789d123456789e123456789f123456",
                        "a23456789b123456789c123456789d123456789e123456789f123456-7", true, false },
                { "qemu-1-a23456789b123456789c123456789d123456789e123456789f12345",
                        "a23456789b123456789c123456789d123456789e123456789f123456", false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                bool exact = false;

                test_case("%s, \"%s\"", cases[i].machine, cases[i].name);
                assert_int_equal(
                        machine_name_fits_vm(cases[i].machine, cases[i].name, &exact), cases[i].fits);
                assert_int_equal(exact, cases[i].exact);
        }
}

static void test_proc_cgroup(void **state _unused_) {
        static const Case cases[] = {
                { "0::/machine.slice/m.scope\n", 0, "/machine.slice/m.scope" },
                { "0::/machine.slice/m.scope", 0, "/machine.slice/m.scope" },
                { "0::/\n", 0, "/" },
                { "0::/m.scope (deleted)\n", 0, "/m.scope" },
                { "0::/m.scope (deleted) (deleted)\n", 0, "/m.scope (deleted)" },
                { "0::/a b:c\n", 0, "/a b:c" },
                { "12:misc:/x\n1:name=systemd:/y\n0::/z\n", 0, "/z" },
                { "0::/a\n0::/b\n", 0, "/a" },

                { "", -ENODATA, NULL },
                { "\n\n", -ENODATA, NULL },
                { "12:misc:/x\n", -ENODATA, NULL },
                { "10::/x\n", -ENODATA, NULL },
                { "0::\n", -ENODATA, NULL },
                { "0::x\n", -ENODATA, NULL },
        };

        check(proc_cgroup_parse, cases, ELEMENTSOF(cases));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_from_slice),
                cmocka_unit_test(test_get_unit),
                cmocka_unit_test(test_is_of_libvirt),
                cmocka_unit_test(test_get_slice),
                cmocka_unit_test(test_is_below),
                cmocka_unit_test(test_slice_is_below),
                cmocka_unit_test(test_unescape),
                cmocka_unit_test(test_machine_name),
                cmocka_unit_test(test_libvirt_machine),
                cmocka_unit_test(test_machine_fits),
                cmocka_unit_test(test_proc_cgroup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
