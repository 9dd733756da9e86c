/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "cgroup-path.h"
#include "test-util.h"
#include "unit-path.h"

#define USER "/user.slice/user-1000.slice/user@1000.service"

static void test_vm_name(void **state _unused_) {
        static const struct {
                const char *path;
                const char *name;
                bool system;
        } cases[] = {
                /* The system's. */
                { "/system.slice/nginx.service", "nginx.service", true },
                { "/system.slice/system-vm.slice/vm@1.service", "vm@1.service", true },
                { "/system.slice/_cpu.service", "cpu.service", true },
                { "/init.scope", "init.scope", true },
                { "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", true },
                { USER, "user@1000.service", true },
                { "/machine/qemu-1-web.libvirt-qemu", "qemu-1-web.libvirt-qemu", false },

                /* Users'. */
                { USER "/app.slice/x.scope", "user@1000.service/x.scope", false },
                { USER "/b/x.scope", "user@1000.service/x.scope", false },
                { USER "/_cpu.scope", "user@1000.service/cpu.scope", false },
                { USER "/user@0.service/x.scope", "user@1000.service/x.scope", false },
                { USER "/user@0.service", "user@1000.service/user@0.service", false },
                { USER "/machine/qemu-1-web.libvirt-qemu", "user@1000.service/qemu-1-web.libvirt-qemu",
                        false },

                /* Containers'. */
                { "/lxc.payload.c1/system.slice/nginx.service", "lxc.payload.c1/system.slice/nginx.service",
                        false },
                { "/lxc.payload.c1/nginx.service", "lxc.payload.c1/nginx.service", false },
                { "/lxc.payload.c1/_cpu.service", "lxc.payload.c1/_cpu.service", false },
                { "/lxc.payload.c1" USER "/x.scope", "lxc.payload.c1" USER "/x.scope", false },
                { "/lxc.payload.c1/machine/qemu-1-web.libvirt-qemu",
                        "lxc.payload.c1/machine/qemu-1-web.libvirt-qemu", false },
                { "/c1.slice/system.slice/nginx.service", "c1.slice/system.slice/nginx.service", false },
                { "/system.slice/c1/nginx.service", "system.slice/c1/nginx.service", false },
                { "//c1//nginx.service", "c1//nginx.service", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *unit = NULL, *unit_path = NULL, *name = NULL;

                test_case("%s", cases[i].path);
                assert_int_equal(cgroup_path_get_unit(cases[i].path, &unit, &unit_path), 0);
                assert_string_equal(unit_path, cases[i].path);
                assert_int_equal(unit_path_to_vm_name(unit, unit_path, &name), 0);
                assert_string_equal(name, cases[i].name);
                assert_int_equal(unit_path_is_of_system(unit_path), cases[i].system);
        }
}

static void test_refused(void **state _unused_) {
        char path[NAME_MAX + 3], *name = path;

        assert_int_equal(unit_path_to_vm_name("x\n.scope", USER "/x\n.scope", &name), -EBADMSG);
        assert_int_equal(unit_path_to_vm_name("x.scope", "/c\xff/x.scope", &name), -EBADMSG);

        memset(path, 'c', sizeof(path));
        path[0] = '/';
        strcpy(path + NAME_MAX + 1 - strlen("/x.scope"), "/x.scope");
        assert_int_equal(strlen(path), NAME_MAX + 1);
        assert_int_equal(unit_path_to_vm_name("x.scope", path, &name), 0);
        assert_int_equal(strlen(name), NAME_MAX);
        free(name);
        name = path;
        strcpy(path + NAME_MAX + 2 - strlen("/x.scope"), "/x.scope");
        path[NAME_MAX + 1 - strlen("/x.scope")] = 'c';
        assert_int_equal(unit_path_to_vm_name("x.scope", path, &name), -ENAMETOOLONG);
        assert_ptr_equal(name, path);
}

static void test_key_is_lasting(void **state _unused_) {
        static const struct {
                const char *key;
                bool lasting;
        } cases[] = {
                { "unit:session-3.scope", false },
                { "unit:session-c12.scope", false },
                { "unit:user@1000.service/session-3.scope", false },
                { "unit:lxc.payload.c1/user.slice/user-0.slice/session-3.scope", false },

                { "aaaabbbb-0000-4000-8000-000000000001", true },
                { "unit:nginx.service", true },
                { "unit:user@1000.service", true },
                { "unit:session.scope", true },
                { "unit:session-.scope", true },
                { "unit:session-c.scope", true },
                { "unit:session-3.service", true },
                { "unit:session-3.scope.service", true },
                { "unit:session-x3.scope", true },
                { "unit:my-session-3.scope", true },
                { "unit:session-3.scope/x.service", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%s", cases[i].key);
                assert_int_equal(vm_key_is_lasting(cases[i].key), cases[i].lasting);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_key_is_lasting),
                cmocka_unit_test(test_vm_name),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
