/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "set.h"
#include "test-util.h"
#include "vm-limit.h"
#include "vm-place.h"

static void on_pending(void *userdata) {
}

/* The states of the cgroup's limit and of a set's quota and watermark, and the resulting enforcement. */
typedef struct Case {
        LimitState misc_max, quota, watermark;
        LimitState state;
        const char *reason;
} Case;

static void set_state(Limit *limit, LimitState state, const char *error) {
        limit->state = (uint8_t) state;
        limit_set_error(limit, strdup(error));
}

static void test_conjunction(void **state _unused_) {
        static const Case cases[] = {
                { LIMIT_IN_FORCE, LIMIT_IN_FORCE, LIMIT_IN_FORCE, LIMIT_IN_FORCE, NULL },
                { LIMIT_ABSENT, LIMIT_IN_FORCE, LIMIT_IN_FORCE, LIMIT_IN_FORCE, NULL },
                { LIMIT_FAILED, LIMIT_IN_FORCE, LIMIT_IN_FORCE, LIMIT_FAILED, "cgroup" },
                { LIMIT_IN_FORCE, LIMIT_FAILED, LIMIT_FAILED, LIMIT_FAILED, "quota" },
                { LIMIT_IN_FORCE, LIMIT_IN_FORCE, LIMIT_FOREIGN, LIMIT_FOREIGN, "watermark" },
                { LIMIT_FOREIGN, LIMIT_IN_FORCE, LIMIT_FAILED, LIMIT_FAILED, "watermark" },
        };
        Config config = {};
        World world;
        Set *set;
        VM *vm;

        world_init(&world, on_pending, NULL);
        world.config = &config;
        world.capacity = 100;
        assert_int_equal(
                vm_new(&world, VM_KIND_UNIT, "00000000-0000-4000-8000-000000000001", NULL, "a", &vm), 0);
        set = set_new(&world, &(KernelSet) { .id = 1 });
        vm_add_set(vm, set);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                VMEnforcement force;

                test_case("%zu", i);
                set_state(&vm->misc_max, cases[i].misc_max, "cgroup");
                set_state(&set->quota, cases[i].quota, "quota");
                set_state(&set->watermark, cases[i].watermark, "watermark");
                force = vm_enforcement(vm);
                assert_int_equal(force.state, cases[i].state);
                assert_string_equal(strempty(force.reason), strempty(cases[i].reason));
        }

        set_free(set);
        vm_free(vm);
        world_done(&world);
}

static void test_machine_without_cgroup(void **state _unused_) {
        Config config = {};
        World world;
        VM *vm;

        world_init(&world, on_pending, NULL);
        world.config = &config;
        assert_int_equal(
                vm_new(&world, VM_KIND_MACHINE, "00000000-0000-4000-8000-000000000001", NULL, "a", &vm), 0);

        assert_int_equal(vm_enforcement(vm).state, LIMIT_IN_FORCE); /* there is nothing to limit */
        world.capacity = 100;
        assert_int_equal(vm_enforcement(vm).state, LIMIT_WAITING);
        assert_string_equal(vm_enforcement(vm).reason, "not running yet");
        vm->state = VM_RUNNING;
        assert_int_equal(vm_enforcement(vm).state, LIMIT_WAITING);
        assert_string_equal(vm_enforcement(vm).reason, "the VM's cgroup is not known yet");
        assert_int_equal(vm_place_set(vm, NULL, "/machine.slice/a.scope"), 0);
        assert_int_equal(vm_enforcement(vm).state, LIMIT_IN_FORCE);

        vm_free(vm);
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_conjunction),
                cmocka_unit_test(test_machine_without_cgroup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
