/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "override-plan.h"
#include "set.h"
#include "test-util.h"
#include "vm-place.h"

#define A "aaaabbbb-0000-4000-8000-000000000001"
#define B "aaaabbbb-0000-4000-8000-000000000002"
#define C "aaaabbbb-0000-4000-8000-000000000003" /* not running */

#define SCOPE   "/machine.slice/a.scope"
#define DEFAULT 1000U

static void on_pending(void *userdata) {
}

/* VM A has two sets, VM B one; both have the default quota, and a unit each. */
typedef struct Fixture {
        Config config;
        World world;
        VM *a, *b;
} Fixture;

static VM *add_vm(World *w, const char *uuid, const char *cgroup, uint64_t cgroup_id) {
        VM *vm;

        assert_int_equal(vm_new(w, VM_KIND_MACHINE, uuid, NULL, uuid, &vm), 0);
        assert_int_equal(vm_place_set(vm, NULL, cgroup), 0);
        vm->place.cgroup_id = cgroup_id;
        vm->policy.quota = DEFAULT;
        return vm;
}

static void add_set(VM *vm, uint64_t id) {
        Set *set = set_new(vm->world, &(KernelSet) { .id = id });

        assert_non_null(set);
        vm_add_set(vm, set);
}

static void fixture_begin(Fixture *f) {
        static char *slices[] = { NULL };

        *f = (Fixture) { .config = { .default_quota = DEFAULT, .slices = slices } };
        world_init(&f->world, on_pending, NULL);
        f->world.config = &f->config;
        f->world.capacity = 1 << 20;
        f->world.state.runtime = state_new();
        f->world.state.persistent = state_new();
        f->a = add_vm(&f->world, A, SCOPE, 1);
        f->b = add_vm(&f->world, B, "/machine.slice/b.scope", 2);
        add_set(f->a, 1);
        add_set(f->a, 2);
        add_set(f->b, 3);
}

static void fixture_end(Fixture *f) {
        while (!TAILQ_EMPTY(&f->world.sets))
                set_free(TAILQ_FIRST(&f->world.sets));
        while (!TAILQ_EMPTY(&f->world.vms))
                vm_free(TAILQ_FIRST(&f->world.vms));
        state_free(f->world.state.runtime);
        state_free(f->world.state.persistent);
        world_done(&f->world);
}

static OverrideItem item(OverrideKind kind, bool runtime, const char *key, uint32_t quota) {
        return (OverrideItem) {
                .kind = kind,
                .runtime = runtime,
                .key = (char *) key,
                .setting = { .quota = quota, .quota_set = quota > 0 },
        };
}

static OverridePlan *plan(Fixture *f, const OverrideItem *items, size_t n_items, bool asked) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();
        size_t first, second;
        OverridePlan *p;

        for (size_t i = 0; i < n_items; i++)
                assert_int_equal(override_list_add(list, &items[i]), 0);
        list->write_unchanged = asked;
        assert_int_equal(override_list_sort(list, &first, &second), 0);
        assert_int_equal(override_list_compare(list, f->world.state.runtime, f->world.state.persistent), 0);
        assert_int_equal(override_plan_new(&f->world, list, &p), 0);
        assert_int_equal(p->n_vms, 0);
        assert_int_equal(override_plan_add_vms(&f->world, p), 0);
        /* The slices' names are owned by the list. */
        for (size_t i = 0; i < p->n_slices; i++)
                p->slices[i].name = NULL;
        return p;
}

static void check_write(const OverridePlan *p, size_t i, const Limit *limit, uint64_t value) {
        test_case("write %zu", i);
        assert_true(i < p->n_writes);
        assert_ptr_equal(p->writes[i].limit, limit);
        assert_int_equal(p->writes[i].value, value);
}

/* The items, and the resulting quotas of the VMs; 0: not affected. */
typedef struct Case {
        const char *name;
        OverrideItem items[3];
        size_t n_items;
        bool asked;
        uint32_t a, b;
        uint32_t default_quota; /* 0: not affected */
        size_t n_slices;
} Case;

static uint32_t quota_of(const OverridePlan *p, const VM *vm) {
        for (size_t i = 0; i < p->n_vms; i++)
                if (p->vms[i].vm == vm)
                        return p->vms[i].policy.quota;

        return 0;
}

static void test_table(void **state _unused_) {
        const Case cases[] = {
                { .name = "one layer", .items = { item(OVERRIDE_VM, false, A, 5) }, .n_items = 1, .a = 5 },
                { .name = "the runtime layer wins",
                        .items = { item(OVERRIDE_VM, false, A, 5), item(OVERRIDE_VM, true, A, 6) },
                        .n_items = 2,
                        .a = 6 },
                { .name = "two VMs",
                        .items = { item(OVERRIDE_VM, false, B, 7), item(OVERRIDE_VM, true, A, 6) },
                        .n_items = 2,
                        .a = 6,
                        .b = 7 },
                { .name = "a VM that is off", .items = { item(OVERRIDE_VM, false, C, 5) }, .n_items = 1 },
                { .name = "nothing changes", .items = { item(OVERRIDE_VM, false, A, 0) }, .n_items = 1 },
                { .name = "nothing changes, but somebody asks for it",
                        .items = { item(OVERRIDE_VM, false, A, 0) },
                        .n_items = 1,
                        .asked = true,
                        .a = DEFAULT },
                { .name = "the default",
                        .items = { item(OVERRIDE_DEFAULT, false, "", 9) },
                        .n_items = 1,
                        .default_quota = 9 },
                { .name = "the default of the runtime layer wins",
                        .items = { item(OVERRIDE_DEFAULT, false, "", 9),
                                item(OVERRIDE_DEFAULT, true, "", 8) },
                        .n_items = 2,
                        .default_quota = 8 },
                { .name = "a VM that follows a default of the same list",
                        .items = { item(OVERRIDE_DEFAULT, false, "", 9), item(OVERRIDE_VM, true, A, 0) },
                        .n_items = 2,
                        .asked = true,
                        .a = 9,
                        .default_quota = 9 },
                { .name = "a slice that is not known yet",
                        .items = { item(OVERRIDE_SLICE, false, "x.slice", 20) },
                        .n_items = 1,
                        .n_slices = 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                _cleanup_(override_plan_freep) OverridePlan *p = NULL;
                Fixture f;

                test_case("%s", c->name);
                fixture_begin(&f);
                p = plan(&f, c->items, c->n_items, c->asked);
                assert_int_equal(quota_of(p, f.a), c->a);
                assert_int_equal(quota_of(p, f.b), c->b);
                assert_int_equal(p->n_vms, (c->a > 0) + (c->b > 0));
                assert_int_equal(p->default_affected, c->default_quota > 0);
                assert_int_equal(p->default_quota, c->default_quota > 0 ? c->default_quota : DEFAULT);
                assert_int_equal(p->n_slices, c->n_slices);
                if (c->n_slices > 0) {
                        assert_int_equal(p->slices[0].limit, 20);
                        assert_int_equal(p->slices[0].source, SLICE_SOURCE_PERSISTENT);
                }
                /* Each has its cgroup's limit, A has two sets and B one; nothing has been changed. */
                assert_int_equal(p->n_writes, (c->a > 0) * 5 + (c->b > 0) * 3);
                assert_int_equal(f.a->policy.quota, DEFAULT);
                assert_int_equal(f.a->misc_max.state, LIMIT_ABSENT);
                fixture_end(&f);
        }
}

static void test_writes(void **state _unused_) {
        OverrideItem watermark = item(OVERRIDE_VM, true, A, 6);
        _cleanup_(override_plan_freep) OverridePlan *p = NULL;
        Fixture f;
        Set *first, *second;

        fixture_begin(&f);
        watermark.setting.watermark = 4;
        watermark.setting.watermark_set = true;
        p = plan(&f, &watermark, 1, true);
        first = set_find(&f.world, 1);
        second = set_find(&f.world, 2);
        check_write(p, 0, &f.a->misc_max, 6);
        check_write(p, 1, &first->quota, 6);
        check_write(p, 2, &first->watermark, 4);
        check_write(p, 3, &second->quota, 6);
        check_write(p, 4, &second->watermark, 4);
        assert_int_equal(p->n_writes, 5);
        fixture_end(&f);
}

/* Machines that share a unit have one limit: the sum of their new quotas. */
static void test_shared(void **state _unused_) {
        const OverrideItem one[] = { item(OVERRIDE_VM, true, A, 6) };
        const OverrideItem both[] = { item(OVERRIDE_VM, true, A, 6), item(OVERRIDE_VM, true, B, 7) };
        Fixture f;

        fixture_begin(&f);
        assert_int_equal(vm_place_set(f.b, NULL, SCOPE), 0);
        f.b->place.cgroup_id = f.a->place.cgroup_id;
        {
                _cleanup_(override_plan_freep) OverridePlan *p = plan(&f, one, 1, false);

                check_write(p, 0, &f.a->misc_max, 6 + DEFAULT);
        }
        {
                _cleanup_(override_plan_freep) OverridePlan *p = plan(&f, both, 2, false);

                check_write(p, 0, &f.a->misc_max, 6 + 7);
                check_write(p, 5, &f.b->misc_max, 6 + 7);
        }
        fixture_end(&f);
}

/* A VM that is only reserved has no numbers in the kernel. */
static void test_reserved(void **state _unused_) {
        const OverrideItem items[] = { item(OVERRIDE_VM, true, C, 6) };
        _cleanup_(override_plan_freep) OverridePlan *p = NULL;
        Fixture f;
        VM *vm;

        fixture_begin(&f);
        assert_int_equal(vm_new(&f.world, VM_KIND_MACHINE, C, NULL, "c", &vm), 0);
        p = plan(&f, items, 1, false);
        assert_int_equal(quota_of(p, vm), 6);
        assert_int_equal(p->n_writes, 0);
        fixture_end(&f);
}

/* Units of one user that have the same name, in different slices: an override is for all of them. */
static void test_twins(void **state _unused_) {
        const OverrideItem items[] = { item(OVERRIDE_VM, true, "unit:x.scope", 6),
                item(OVERRIDE_VM, true, A, 7) };
        _cleanup_(override_plan_freep) OverridePlan *p = NULL;
        static const char *const names[] = { "x.scope", "y.scope", "x.scope", "x.scope" };
        VM *vms[ELEMENTSOF(names)];
        Fixture f;

        fixture_begin(&f);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char uuid[] = "aaaabbbb-0000-4000-8000-00000000001x", key[] = "unit:?.scope";

                uuid[sizeof(uuid) - 2] = (char) ('0' + i);
                key[strlen("unit:")] = names[i][0];
                assert_int_equal(vm_new(&f.world, VM_KIND_UNIT, uuid, key, names[i], &vms[i]), 0);
                add_set(vms[i], 10 + i);
        }

        p = plan(&f, items, ELEMENTSOF(items), false);
        assert_int_equal(p->n_vms, 4);
        assert_int_equal(quota_of(p, vms[0]), 6);
        assert_int_equal(quota_of(p, vms[1]), 0);
        assert_int_equal(quota_of(p, vms[2]), 6);
        assert_int_equal(quota_of(p, vms[3]), 6);
        assert_int_equal(quota_of(p, f.a), 7);
        /* A has five numbers, and each set of the others two. */
        assert_int_equal(p->n_writes, 5 + 3 * 2);
        fixture_end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_twins),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_writes),
                cmocka_unit_test(test_shared),
                cmocka_unit_test(test_reserved),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
