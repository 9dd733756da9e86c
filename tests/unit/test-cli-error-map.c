/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "error-map.h"
#include "hook-op.h"
#include "test-util.h"

static void test_exit_status(void **state _unused_) {
        static const struct {
                const char *name;
                CtlExitStatus status;
        } cases[] = {
                { NULL, CTL_EXIT_FAILURE },
                { "", CTL_EXIT_FAILURE },
                { PASIDD_ERROR_NO_SUCH_VM, CTL_EXIT_NOT_FOUND },
                { PASIDD_ERROR_AMBIGUOUS_VM, CTL_EXIT_NOT_FOUND },
                { PASIDD_ERROR_INVALID_QUOTA, CTL_EXIT_USAGE },
                { PASIDD_ERROR_INVALID_SLICE, CTL_EXIT_USAGE },
                { PASIDD_ERROR_NOT_APPLIED, CTL_EXIT_FAILURE },
                { PASIDD_ERROR_NOT_SAVED, CTL_EXIT_FAILURE },
                { PASIDD_ERROR_RELOAD_FAILED, CTL_EXIT_FAILURE },
                { "org.freedesktop.DBus.Error.UnknownObject", CTL_EXIT_NOT_FOUND },
                { "org.freedesktop.DBus.Error.AccessDenied", CTL_EXIT_DENIED },
                { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", CTL_EXIT_DENIED },
                { "org.freedesktop.DBus.Error.ServiceUnknown", CTL_EXIT_NOT_RUNNING },
                { "org.freedesktop.DBus.Error.NameHasNoOwner", CTL_EXIT_NOT_RUNNING },
                { "org.freedesktop.DBus.Error.NoReply", CTL_EXIT_NOT_RUNNING },
                { "org.freedesktop.DBus.Error.TimedOut", CTL_EXIT_NOT_RUNNING },
                { "org.freedesktop.DBus.Error.Spawn.ChildExited", CTL_EXIT_NOT_RUNNING },
                { "org.freedesktop.DBus.Error.Spawned", CTL_EXIT_FAILURE },
                { "org.freedesktop.systemd1.UnitMasked", CTL_EXIT_NOT_RUNNING },
                { "org.freedesktop.DBus.Error.UnknownMethod", CTL_EXIT_FAILURE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%s", cases[i].name ?: "(null)");
                assert_int_equal(error_to_exit_status(cases[i].name), cases[i].status);
                assert_int_equal(
                        error_is_unreachable(cases[i].name), cases[i].status == CTL_EXIT_NOT_RUNNING);
        }
}

static void test_hook_action(void **state _unused_) {
        static const struct {
                const char *operation, *sub_operation;
                HookAction action;
                bool may_fail, starts_daemon;
        } cases[] = {
                { "prepare", "begin", HOOK_RESERVE, true, true },
                { "migrate", "begin", HOOK_RESERVE, true, true },
                { "restore", "begin", HOOK_NOTHING, false, false },
                { "start", "begin", HOOK_NOTHING, false, false },
                { "started", "begin", HOOK_CONFIRM, false, false },
                { "reconnect", "begin", HOOK_RECONNECT, false, true },
                { "stopped", "end", HOOK_RELEASE, false, false },
                { "release", "end", HOOK_RELEASE, false, false },
                { "attach", "begin", HOOK_NOTHING, false, false },
                { "prepare", "end", HOOK_NOTHING, false, false },
                { "prepare", NULL, HOOK_NOTHING, false, false },
                { "prepared", "begin", HOOK_NOTHING, false, false },
                { "", "", HOOK_NOTHING, false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                HookAction action = hook_action(cases[i].operation, cases[i].sub_operation);

                test_case("%s %s", cases[i].operation, strempty(cases[i].sub_operation));
                assert_int_equal(action, cases[i].action);
                assert_int_equal(hook_action_may_fail(action), cases[i].may_fail);
                assert_int_equal(hook_action_starts_daemon(action), cases[i].starts_daemon);
        }
}

static void test_hook_verdict(void **state _unused_) {
        assert_int_equal(hook_verdict(PASIDD_ERROR_NOT_ADMITTED), HOOK_VERDICT_REFUSED);
        assert_int_equal(hook_verdict(PASIDD_ERROR_INVALID_QUOTA), HOOK_VERDICT_REFUSED);
        /* An option unknown to an older daemon is not a refusal. */
        assert_int_equal(hook_verdict("org.freedesktop.DBus.Error.InvalidArgs"), HOOK_VERDICT_UNKNOWN);
        assert_int_equal(hook_verdict("org.freedesktop.DBus.Error.UnknownMethod"), HOOK_VERDICT_UNKNOWN);
        assert_int_equal(hook_verdict(PASIDD_ERROR_NOT_SUPPORTED), HOOK_VERDICT_UNLIMITED);
        assert_int_equal(hook_verdict("org.freedesktop.DBus.Error.NoReply"), HOOK_VERDICT_UNKNOWN);
        assert_int_equal(hook_verdict("org.freedesktop.DBus.Error.AccessDenied"), HOOK_VERDICT_UNKNOWN);
        assert_int_equal(hook_verdict(NULL), HOOK_VERDICT_UNKNOWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_exit_status),
                cmocka_unit_test(test_hook_action),
                cmocka_unit_test(test_hook_verdict),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
