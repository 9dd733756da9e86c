/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "commitment.h"
#include "macro.h"
#include "test-util.h"

#define QUOTA 100U
#define HELD  7U

static void test_commitment(void **state) {
        static const struct {
                QuotaSource source;
                uint32_t machine, system_unit, other;
        } cases[] = {
                { QUOTA_SOURCE_RUNTIME, QUOTA, QUOTA, HELD },
                { QUOTA_SOURCE_PERSISTENT, QUOTA, QUOTA, HELD },
                { QUOTA_SOURCE_METADATA, QUOTA, HELD, HELD },
                { QUOTA_SOURCE_RULE, QUOTA, QUOTA, HELD },
                { QUOTA_SOURCE_DEFAULT, QUOTA, HELD, HELD },
        };

        assert_int_equal(ELEMENTSOF(cases), _QUOTA_SOURCE_MAX);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const PolicyResult policy = { .quota = QUOTA, .source = cases[i].source };

                assert_int_equal(commitment_of(COMMITMENT_MACHINE, &policy, HELD), cases[i].machine);
                assert_int_equal(commitment_of(COMMITMENT_SYSTEM_UNIT, &policy, HELD), cases[i].system_unit);
                assert_int_equal(commitment_of(COMMITMENT_OTHER, &policy, HELD), cases[i].other);
                /* PASIDs that are held are committed, even above the quota. */
                for (CommitmentHolder holder = COMMITMENT_MACHINE; holder <= COMMITMENT_OTHER; holder++)
                        assert_int_equal(commitment_of(holder, &policy, QUOTA + 1), QUOTA + 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_commitment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
