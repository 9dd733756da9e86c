/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "override-list.h"
#include "state-file.h"
#include "test-util.h"

#define A "aaaabbbb-0000-4000-8000-000000000001"
#define B "aaaabbbb-0000-4000-8000-000000000002"
#define C "aaaabbbb-0000-4000-8000-000000000003"

static OverrideList *make_list(const OverrideItem *items, size_t n_items) {
        OverrideList *list = override_list_new();

        assert_non_null(list);
        for (size_t i = 0; i < n_items; i++)
                assert_int_equal(override_list_add(list, &items[i]), 0);
        return list;
}

static State *make_state(const char *text) {
        _cleanup_free_ char *error = NULL;
        State *s = NULL;

        assert_int_equal(state_parse(text, strlen(text), &s, &error), 0);
        return s;
}

#define QUOTA(n) { .quota = (n), .quota_set = true }

static void test_sort(void **state _unused_) {
        const OverrideItem items[] = {
                { .kind = OVERRIDE_DEFAULT, .key = (char *) "", .setting = QUOTA(1) },
                { .kind = OVERRIDE_VM, .key = (char *) B, .setting = QUOTA(2) },
                { .kind = OVERRIDE_VM, .runtime = true, .key = (char *) A, .setting = QUOTA(3) },
                { .kind = OVERRIDE_SLICE, .key = (char *) A, .setting = QUOTA(4) },
                { .kind = OVERRIDE_VM, .key = (char *) A, .setting = QUOTA(5) },
        };
        const uint32_t order[] = { 5, 3, 2, 4, 1 };
        _cleanup_(override_list_freep) OverrideList *list = make_list(items, ELEMENTSOF(items));
        size_t first, second;

        assert_int_equal(override_list_sort(list, &first, &second), 0);
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                assert_int_equal(list->items[i].setting.quota, order[i]);
                assert_int_equal(list->items[i].position, order[i]);
        }

        assert_true(override_list_has(list, OVERRIDE_VM, A));
        assert_true(override_list_has(list, OVERRIDE_SLICE, A));
        assert_true(override_list_has(list, OVERRIDE_DEFAULT, ""));
        assert_false(override_list_has(list, OVERRIDE_SLICE, B));
        assert_false(override_list_has(list, OVERRIDE_VM, C));
        assert_true(override_list_is_persistent(list));
}

static void test_empty(void **state _unused_) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();
        _cleanup_(state_freep) State *s = state_new();
        size_t first, second;

        assert_int_equal(override_list_sort(list, &first, &second), 0);
        assert_false(override_list_has(list, OVERRIDE_VM, A));
        assert_false(override_list_is_persistent(list));
        assert_int_equal(override_list_compare(list, s, s), 0);
        assert_int_equal(override_list_count_changes(list), 0);
        assert_int_equal(override_list_put(list, false, s), 0);
}

/* Positions are in the caller's order, whatever the order after sorting. */
static void test_twice(void **state _unused_) {
        const OverrideItem items[] = {
                { .kind = OVERRIDE_VM, .key = (char *) C },
                { .kind = OVERRIDE_VM, .key = (char *) B },
                { .kind = OVERRIDE_VM, .runtime = true, .key = (char *) B },
                { .kind = OVERRIDE_VM, .key = (char *) A },
                { .kind = OVERRIDE_VM, .key = (char *) B },
        };
        _cleanup_(override_list_freep) OverrideList *list = make_list(items, ELEMENTSOF(items));
        size_t first, second;

        assert_int_equal(override_list_sort(list, &first, &second), -EEXIST);
        assert_int_equal(first, 2);
        assert_int_equal(second, 5);
}

/* With names, and with preserved members of a later version. */
static void test_put(void **state _unused_) {
        static const char
                runtime_text[] = "{\"version\":1,\"vms\":{\"" B "\":{\"override\":{\"quota\":9}}}}",
                persistent_text[] =
                        "{\"version\":1,\"default-quota\":70,\"slices\":{\"b.slice\":{\"limit\":8}},"
                        "\"vms\":{\"" C "\":{\"name\":\"c\",\"override\":{\"quota\":5,\"x\":1},\"y\":2},"
                        "\"" A "\":{\"override\":{\"watermark\":3}}}}";
        const OverrideItem items[] = {
                { .kind = OVERRIDE_VM, .key = (char *) C, .name = (char *) "new", .setting = QUOTA(6) },
                { .kind = OVERRIDE_VM, .key = (char *) B, .name = (char *) "b", .setting = QUOTA(7) },
                { .kind = OVERRIDE_VM, .runtime = true, .key = (char *) B, .setting = QUOTA(9) },
                { .kind = OVERRIDE_VM, .key = (char *) A },
                { .kind = OVERRIDE_SLICE, .key = (char *) "a.slice", .setting = QUOTA(10) },
                { .kind = OVERRIDE_SLICE, .key = (char *) "b.slice" },
                { .kind = OVERRIDE_DEFAULT, .key = (char *) "" },
        };
        _cleanup_(override_list_freep) OverrideList *list = make_list(items, ELEMENTSOF(items));
        _cleanup_(state_freep) State *runtime = make_state(runtime_text), *s = make_state(persistent_text);
        _cleanup_free_ char *changed = NULL;
        size_t first, second;

        assert_int_equal(override_list_sort(list, &first, &second), 0);
        assert_int_equal(override_list_compare(list, runtime, s), 0);
        assert_int_equal(override_list_count_changes(list), 6);
        assert_true(override_list_changes(list, false));
        assert_false(override_list_changes(list, true));

        assert_int_equal(override_list_put(list, false, s), 0);
        state_prune(s);
        assert_null(state_find(s, A));
        assert_string_equal(state_find(s, B)->name, "b");
        assert_int_equal(state_find(s, B)->override.quota, 7);
        assert_string_equal(state_find(s, C)->name, "new");
        assert_int_equal(state_find(s, C)->override.quota, 6);
        assert_int_equal(state_find_slice(s, "a.slice")->limit, 10);
        assert_null(state_find_slice(s, "b.slice"));
        assert_false(s->default_quota_set);
        assert_int_equal(state_format(s, &changed), 0);
        assert_non_null(strstr(changed, "\"x\""));

        /* After it was applied, the list changes nothing. */
        assert_int_equal(override_list_compare(list, runtime, s), 0);
        assert_int_equal(override_list_count_changes(list), 0);
}

/* When an override is removed, so are its preserved members. */
static void test_remove(void **state _unused_) {
        static const char text[] =
                "{\"version\":1,\"vms\":{\"" C "\":{\"name\":\"c\",\"override\":{\"quota\":5,\"x\":1}}}}";
        const OverrideItem items[] = {
                { .kind = OVERRIDE_VM, .key = (char *) C },
        };
        _cleanup_(override_list_freep) OverrideList *list = make_list(items, ELEMENTSOF(items));
        _cleanup_(state_freep) State *s = make_state(text), *none = state_new();

        assert_int_equal(override_list_compare(list, none, s), 0);
        assert_int_equal(override_list_put(list, false, s), 0);
        state_prune(s);
        assert_int_equal(s->n_entries, 0);
}

/* The layer that stays as it is is not in the list; where neither changes both are, for the kernel is written anew. */
static void test_of_change(void **state _unused_) {
        static const struct {
                const char *key;
                QuotaSetting runtime, persistent;
                size_t n_items;
                bool only; /* the layer of the only item */
        } cases[] = {
                { A, QUOTA(5), QUOTA(9), 1, false },
                { A, QUOTA(6), QUOTA(4), 1, true },
                { A, QUOTA(6), QUOTA(9), 2, false },
                { A, {}, {}, 2, false },
                { A, QUOTA(5), QUOTA(4), 2, false },
                { B, {}, QUOTA(9), 1, false },
        };
        _cleanup_(state_freep) State *runtime = state_new(), *persistent = state_new();
        const StateLayers layers = { .runtime = runtime, .persistent = persistent };
        const QuotaSetting five = QUOTA(5), four = QUOTA(4);

        state_entry_set_override(state_get(runtime, A), &five);
        state_entry_set_override(state_get(persistent, A), &four);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const OverrideChange change = {
                        .kind = OVERRIDE_VM,
                        .key = cases[i].key,
                        .runtime = cases[i].runtime,
                        .persistent = cases[i].persistent,
                };
                _cleanup_(override_list_freep) OverrideList *list = NULL;

                test_case("%zu", i);
                assert_int_equal(override_change_to_list(&layers, &change, &list), 0);
                assert_true(list->write_unchanged);
                assert_int_equal(list->n_items, cases[i].n_items);
                if (list->n_items == 1)
                        assert_true(list->items[0].runtime == cases[i].only);
        }
}

static void test_scopes(void **state _unused_) {
        const OverrideItem items[] = { { .kind = OVERRIDE_VM, .key = (char *) A, .runtime = true } };
        _cleanup_(override_list_freep) OverrideList *list = make_list(items, ELEMENTSOF(items));
        const struct {
                OverrideScope a, b;
                bool overlap;
        } cases[] = {
                { { .kind = OVERRIDE_VM, .key = A }, { .kind = OVERRIDE_VM, .key = A }, true },
                { { .kind = OVERRIDE_VM, .key = A }, { .kind = OVERRIDE_VM, .key = B }, false },
                { { .kind = OVERRIDE_VM, .key = A }, { .kind = OVERRIDE_SLICE, .key = A }, false },
                { { .kind = OVERRIDE_VM, .key = A, .persistent = true },
                        { .kind = OVERRIDE_VM, .key = B, .persistent = true }, true },
                { { .kind = OVERRIDE_VM, .key = A, .persistent = true }, { .kind = OVERRIDE_VM, .key = B },
                        false },
                { { .list = list }, { .kind = OVERRIDE_VM, .key = A }, true },
                { { .list = list }, { .kind = OVERRIDE_VM, .key = B }, false },
                { { .list = list }, { .list = list }, true },
        };
        size_t first, second;

        assert_int_equal(override_list_sort(list, &first, &second), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%zu", i);
                assert_true(override_scopes_overlap(&cases[i].a, &cases[i].b) == cases[i].overlap);
                assert_true(override_scopes_overlap(&cases[i].b, &cases[i].a) == cases[i].overlap);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sort),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_twice),
                cmocka_unit_test(test_put),
                cmocka_unit_test(test_remove),
                cmocka_unit_test(test_of_change),
                cmocka_unit_test(test_scopes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
