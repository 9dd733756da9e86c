/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of cgroups and units, which systemd and users choose, and the text of /proc/PID/cgroup with them. */

#include "cgroup-path.h"
#include "fuzz.h"
#include "macro.h"

static void check_path(const char *path) {
        _cleanup_free_ char *unit = NULL, *unit_path = NULL, *slice = NULL, *slice_path = NULL;
        int r;

        r = cgroup_path_get_unit(path, &unit, &unit_path);
        FUZZ_CHECK(r == 0 || r == -ENXIO || r == -EINVAL);
        if (r == 0) {
                FUZZ_CHECK(cgroup_path_is_below(path, unit_path));
                FUZZ_CHECK(!strchr(unit, '/'));
        }

        r = cgroup_path_get_slice(path, &slice);
        FUZZ_CHECK(r == 0 || r == -EINVAL);
        if (r == 0 && cgroup_path_from_slice(slice, &slice_path) >= 0)
                FUZZ_CHECK(slice_path[0] == '/' && slice_is_below(slice, "-.slice"));
}

static void check_name(const char *name) {
        _cleanup_free_ char *path = NULL, *slice = NULL, *plain = NULL, *vm = NULL, *machine = NULL;

        if (cgroup_path_from_slice(name, &path) >= 0 && !streq(path, "/")) {
                /* Convert it back. */
                FUZZ_CHECK(cgroup_path_get_slice(path, &slice) == 0);
                FUZZ_CHECK(streq(slice, name));
        }

        if (unit_name_unescape(name, &plain) >= 0)
                FUZZ_CHECK(strlen(plain) <= strlen(name));
        FUZZ_CHECK(machine_name_to_vm_name(name, &vm) == 0);
        FUZZ_CHECK(strlen(vm) <= strlen(name));

        if (unit_name_to_libvirt_machine(name, &machine) >= 0) {
                bool exact;

                free(TAKE_PTR(vm));
                FUZZ_CHECK(machine_name_to_vm_name(machine, &vm) == 0);
                FUZZ_CHECK(strlen(vm) < strlen(machine));
                FUZZ_CHECK(machine_name_fits_vm(machine, vm, &exact) && exact);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_string(data, size), *cgroup = NULL;

        if (!text)
                return 0;

        check_path(text);
        check_name(text);
        if (proc_cgroup_parse(text, &cgroup) >= 0)
                check_path(cgroup);
        return 0;
}
