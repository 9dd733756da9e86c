/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "counters.h"
#include "test-util.h"

#define WEB "aaaabbbb-0000-4000-8000-000000000001"
#define DB  "aaaacccc-0000-4000-8000-000000000002"

static void test_round_trip(void **state _unused_) {
        _cleanup_(counters_freep) Counters *c = NULL, *parsed = NULL;
        _cleanup_free_ char *text = NULL, *again = NULL;
        CountersVM *vm;

        assert_int_equal(counters_new(&c), 0);
        c->resyncs = 3;
        for (EventType type = 0; type < _EVENT_TYPE_MAX; type++)
                c->events[type] = 10 + type;
        assert_int_equal(counters_add_vm(c, WEB, &vm), 0);
        vm->gone_denied = UINT64_MAX;
        vm->gone_peak = 7;
        for (uint64_t id = 1; id <= 5; id++)
                assert_int_equal(
                        counters_add_set(vm,
                                &(CountersSet) {
                                        .id = id, .start_time = id * 4, .denied = id * 2, .peak = id * 3 }),
                        0);
        assert_int_equal(counters_add_vm(c, DB, &vm), 0);

        assert_int_equal(counters_format(c, &text), 0);
        assert_int_equal(counters_parse(text, &parsed), 0);
        assert_int_equal(counters_format(parsed, &again), 0);
        assert_string_equal(text, again);

        assert_int_equal(parsed->resyncs, 3);
        assert_int_equal(parsed->events[EVENT_RESYNC], 10 + EVENT_RESYNC);
        assert_int_equal(parsed->n_vms, 2);
        vm = counters_find_vm(parsed, WEB);
        assert_true(vm->gone_denied == UINT64_MAX);
        assert_int_equal(vm->gone_peak, 7);
        assert_int_equal(vm->n_sets, 5);
        assert_int_equal(vm->sets[4].id, 5);
        assert_int_equal(vm->sets[4].start_time, 20);
        assert_int_equal(vm->sets[4].denied, 10);
        assert_int_equal(vm->sets[4].peak, 15);
        assert_int_equal(counters_find_vm(parsed, DB)->n_sets, 0);
        assert_null(counters_find_vm(parsed, "aaaacccc-0000-4000-8000-000000000003"));
        assert_null(counters_free(NULL));
}

static void test_newer(void **state _unused_) {
        _cleanup_(counters_freep) Counters *c = NULL;

        assert_int_equal(counters_parse("pasidd-counters 1\n"
                                        "slice a.slice 5 5 5 5 5 5\n"
                                        "event not-known-yet 4\n"
                                        "\n"
                                        "resyncs 2\n"
                                        "vm " WEB " 1 2",
                                 &c),
                0);
        assert_int_equal(c->resyncs, 2);
        assert_int_equal(c->n_vms, 1);
}

/* As written by earlier versions. */
static void test_older(void **state _unused_) {
        _cleanup_(counters_freep) Counters *c = NULL;

        assert_int_equal(counters_parse("pasidd-counters 1\nvm " WEB " 1 2\nset 3 4 5\n", &c), 0);
        assert_int_equal(c->vms[0].n_sets, 1);
        assert_int_equal(c->vms[0].sets[0].id, 3);
        assert_int_equal(c->vms[0].sets[0].start_time, 0);
        assert_int_equal(c->vms[0].sets[0].denied, 4);
        assert_int_equal(c->vms[0].sets[0].peak, 5);
}

static void test_set_is(void **state _unused_) {
        const CountersSet saved = { .id = 7, .start_time = 100 }, older = { .id = 7 };

        assert_true(counters_set_is(&saved, 7, 100));
        assert_false(counters_set_is(&saved, 7, 101));
        assert_false(counters_set_is(&saved, 8, 100));
        assert_true(counters_set_is(&older, 7, 101));
        assert_false(counters_set_is(&older, 8, 101));
}

static void test_bad(void **state _unused_) {
        static const char *const cases[] = {
                "",
                "\n",
                "pasidd-counters",
                "pasidd-counters 2\n",
                "pasidd-counters 1 \n",
                "resyncs 1\n",
                "pasidd-counters 1\nresyncs -1\n",
                "pasidd-counters 1\nresyncs 18446744073709551616\n",
                "pasidd-counters 1\nevent resync\n",
                "pasidd-counters 1\nevent resync x\n",
                "pasidd-counters 1\nevent resync 1 1\n",
                "pasidd-counters 1\nvm " WEB " 1\n",
                "pasidd-counters 1\nvm web 1 1\n",
                "pasidd-counters 1\nvm " WEB " x 1\n",
                "pasidd-counters 1\nvm " WEB " 1 x\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nvm " WEB " 1 1\n",
                "pasidd-counters 1\nset 1 1 1\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nset 1 1\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nset x 1 1\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nset 1 x 1\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nset 1 1 4294967296\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nset 1 1 1 4294967296\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nset 1 x 1 1\n",
                "pasidd-counters 1\nvm " WEB " 1 1\nset 1 1 x 1\n",
        };
        Counters *c = (Counters *) 1;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("row %zu", i);
                assert_int_equal(counters_parse(cases[i], &c), -EBADMSG);
                assert_ptr_equal(c, (Counters *) 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_newer),
                cmocka_unit_test(test_older),
                cmocka_unit_test(test_set_is),
                cmocka_unit_test(test_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
