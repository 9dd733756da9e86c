/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test-util.h"
#include "vm-place.h"

#define SCOPE "/machine.slice/a.scope"
#define OTHER "/machine.slice/b.scope"
#define UNIT  "a.scope"

static void on_pending(void *userdata) {
}

typedef struct Fixture {
        World world;
        VM *vms[3];
} Fixture;

static void fixture_begin(Fixture *f) {
        char uuid[] = "aaaabbbb-0000-4000-8000-000000000000";

        world_init(&f->world, on_pending, NULL);
        for (size_t i = 0; i < ELEMENTSOF(f->vms); i++) {
                uuid[strlen(uuid) - 1] = (char) ('1' + i);
                assert_int_equal(vm_new(&f->world, VM_KIND_MACHINE, uuid, NULL, uuid, &f->vms[i]), 0);
        }
}

/* The index is empty in the end, which AddressSanitizer sees, too. */
static void fixture_end(Fixture *f) {
        while (!TAILQ_EMPTY(&f->world.vms))
                vm_free(TAILQ_FIRST(&f->world.vms));
        assert_null(f->world.vms_by_place);
        world_done(&f->world);
}

/* The VMs in the cgroup, as the digits of their indexes. */
static const char *in_cgroup(const Fixture *f, const char *cgroup) {
        static char found[ELEMENTSOF(f->vms) + 1];
        const VM *vm;
        size_t n = 0;

        VMS_FOREACH_IN_CGROUP (vm, &f->world, cgroup)
                for (size_t i = 0; i < ELEMENTSOF(f->vms); i++)
                        if (f->vms[i] == vm && n < ELEMENTSOF(f->vms))
                                found[n++] = (char) ('0' + i);
        found[n] = '\0';
        return found;
}

static void set(VM *vm, const char *unit, const char *cgroup) {
        assert_int_equal(vm_place_set(vm, unit, cgroup), 0);
        assert_true(streq_ptr(vm->place.unit, unit));
        assert_true(streq_ptr(vm->place.cgroup, cgroup));
}

static void test_order_of_creation(void **state) {
        Fixture f;

        fixture_begin(&f);
        assert_string_equal(in_cgroup(&f, SCOPE), "");
        assert_string_equal(in_cgroup(&f, NULL), "");

        set(f.vms[2], UNIT, SCOPE);
        set(f.vms[0], UNIT, SCOPE);
        set(f.vms[1], UNIT, OTHER);
        assert_string_equal(in_cgroup(&f, SCOPE), "02");
        assert_string_equal(in_cgroup(&f, OTHER), "1");

        set(f.vms[1], UNIT, SCOPE);
        assert_string_equal(in_cgroup(&f, SCOPE), "012");
        assert_string_equal(in_cgroup(&f, OTHER), "");
        vm_place_clear(f.vms[0]);
        assert_null(f.vms[0]->place.unit);
        assert_null(f.vms[0]->place.cgroup);
        assert_string_equal(in_cgroup(&f, SCOPE), "12");
        fixture_end(&f);
}

static void test_shared(void **state) {
        Fixture f;

        fixture_begin(&f);
        assert_false(vm_shares_cgroup(f.vms[0], f.vms[1]));
        /* A unit is not a cgroup. */
        set(f.vms[0], UNIT, NULL);
        set(f.vms[1], UNIT, NULL);
        assert_false(vm_shares_cgroup(f.vms[0], f.vms[1]));
        set(f.vms[0], UNIT, SCOPE);
        assert_false(vm_shares_cgroup(f.vms[0], f.vms[1]));
        set(f.vms[1], UNIT, SCOPE);
        assert_true(vm_shares_cgroup(f.vms[0], f.vms[1]));
        assert_false(vm_shares_cgroup(f.vms[0], f.vms[0]));
        f.vms[1]->kind = VM_KIND_UNIT;
        assert_false(vm_shares_cgroup(f.vms[0], f.vms[1]));
        fixture_end(&f);
}

static void test_without_cgroup(void **state) {
        Fixture f;

        fixture_begin(&f);
        assert_null(vm_find_without_cgroup(&f.world, UNIT));
        set(f.vms[0], UNIT, NULL);
        set(f.vms[1], UNIT, NULL);
        /* Not a machine's. */
        assert_null(vm_find_without_cgroup(&f.world, UNIT));
        f.vms[1]->machine = strdup("qemu-1-a");
        assert_ptr_equal(vm_find_without_cgroup(&f.world, UNIT), f.vms[1]);
        set(f.vms[1], UNIT, SCOPE);
        assert_null(vm_find_without_cgroup(&f.world, UNIT));

        /* A unit with the name of a cgroup. */
        set(f.vms[0], SCOPE, NULL);
        assert_string_equal(in_cgroup(&f, SCOPE), "1");
        assert_null(vm_find_without_cgroup(&f.world, SCOPE));
        f.vms[0]->machine = strdup("qemu-2-b");
        assert_ptr_equal(vm_find_without_cgroup(&f.world, SCOPE), f.vms[0]);
        fixture_end(&f);
}

/* With the strings that are there already. */
static void test_same_strings(void **state) {
        Fixture f;
        VM *vm;

        fixture_begin(&f);
        vm = f.vms[0];
        set(vm, UNIT, SCOPE);
        assert_int_equal(vm_place_set(vm, vm->place.unit, vm->place.cgroup), 0);
        assert_string_equal(vm->place.unit, UNIT);
        assert_string_equal(in_cgroup(&f, SCOPE), "0");
        assert_int_equal(vm_place_set(vm, vm->place.unit, OTHER), 0);
        assert_string_equal(vm->place.unit, UNIT);
        assert_string_equal(in_cgroup(&f, SCOPE), "");
        assert_string_equal(in_cgroup(&f, OTHER), "0");
        assert_int_equal(vm_place_set(vm, NULL, NULL), 0);
        assert_string_equal(in_cgroup(&f, OTHER), "");
        fixture_end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_of_creation),
                cmocka_unit_test(test_shared),
                cmocka_unit_test(test_without_cgroup),
                cmocka_unit_test(test_same_strings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
