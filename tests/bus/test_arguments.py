#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad arguments: a precise error, and nothing changed."""

from testenv import *

INVALID_QUOTA = "org.pasidd1.Error.InvalidQuota"
NO_SUCH_VM = "org.pasidd1.Error.NoSuchVM"
TOO_LARGE = (1048577, 2**31, 2**32 - 1)


class Arguments(BusTest):
    config = "[Manager]\nDefaultQuota=100\n"

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7)
        self.reserve(DB, "db", quota=5)
        self.before = self.snapshot()

    def refuse(self, name, pattern, function, *args, **kwargs):
        self.assert_error(name, pattern, function, *args, **kwargs)
        self.assertEqual(self.snapshot(), self.before)

    def test_too_large(self):
        for quota in TOO_LARGE:
            for dry_run in (False, True):
                with self.subTest(quota=quota, dry_run=dry_run):
                    pattern = f"Quota {quota} is above .*1048576"
                    self.refuse(INVALID_QUOTA, pattern, self.set_quota, WEB, quota, dry_run=dry_run)
                    self.refuse(INVALID_QUOTA, pattern, self.set_default, quota, dry_run=dry_run)
            self.refuse(INVALID_QUOTA, f"Watermark {quota} is", self.set_quota, WEB, 5, watermark=quota)
            self.refuse(INVALID_QUOTA, f"Quota {quota} is", self.reserve, OTHER, "late", quota=quota)
            self.refuse(INVALID_QUOTA, f"Watermark {quota} is", self.reserve, OTHER, "late", watermark=quota)

    def test_unknown_options(self):
        for function, args in (
            (self.set_quota, (WEB, 5)),
            (self.reset_quota, (WEB,)),
            (self.set_default, (5,)),
            (self.reserve, (OTHER, "late")),
        ):
            for option in ("persistent", "Runtime", "dry_run ", ""):
                with self.subTest(function=function.__name__, option=option):
                    self.refuse(INVALID_ARGS, "Unknown option", function, *args, **{option: True})
        self.refuse(INVALID_ARGS, "Unknown option", self.reset_quota, WEB, watermark=3)
        self.refuse(INVALID_ARGS, "Unknown option", self.set_default, 5, watermark=3)
        self.refuse(INVALID_ARGS, "Unknown option", self.reserve, OTHER, "late", dry_run=True)

    def test_options_of_the_wrong_type(self):
        cases = (
            (self.set_quota, (WEB, 5), "runtime", ("s", "yes"), "b"),
            (self.set_quota, (WEB, 5), "dry-run", ("u", 1), "b"),
            (self.set_quota, (WEB, 5), "watermark", ("i", 3), "u"),
            (self.set_quota, (WEB, 5), "watermark", ("t", 3), "u"),
            (self.set_quota, (WEB, 5), "watermark", ("au", [3]), "u"),
            (self.set_quota, (WEB, 5), "watermark", ("(u)", (3,)), "u"),
            (self.set_quota, (WEB, 5), "watermark", ("v", ("u", 3)), "u"),
            (self.reset_quota, (WEB,), "runtime", ("i", 1), "b"),
            (self.set_default, (5,), "runtime", ("y", 1), "b"),
            (self.reserve, (OTHER, "late"), "quota", ("s", "5"), "u"),
            (self.reserve, (OTHER, "late"), "reconnect", ("s", ""), "b"),
        )
        for function, args, option, value, wanted in cases:
            with self.subTest(function=function.__name__, option=option, value=value):
                pattern = f'Option "{option}" has type .* must be "{wanted}"'
                self.refuse(INVALID_ARGS, pattern, function, *args, **{option: value})

    def test_signatures(self):
        for path, interface, member, signature, args in (
            (vm_path(WEB), VM, "SetQuota", "", ()),
            (vm_path(WEB), VM, "SetQuota", "u", (5,)),
            (vm_path(WEB), VM, "SetQuota", "ia{sv}", (5, {})),
            (vm_path(WEB), VM, "SetQuota", "ta{sv}", (5, {})),
            (vm_path(WEB), VM, "SetQuota", "sa{sv}", ("5", {})),
            (vm_path(WEB), VM, "SetQuota", "ua{ss}", (5, {})),
            (vm_path(WEB), VM, "SetQuota", "ua{sv}u", (5, {}, 6)),
            (vm_path(WEB), VM, "ResetQuota", "", ()),
            (MANAGER_PATH, MANAGER, "SetDefaultQuota", "u", (5,)),
            (MANAGER_PATH, MANAGER, "Reserve", "ss", (OTHER, "late")),
            (MANAGER_PATH, MANAGER, "Release", "u", (5,)),
            (MANAGER_PATH, MANAGER, "GetVM", "", ()),
            (MANAGER_PATH, MANAGER, "Reload", "s", ("now",)),
        ):
            with self.subTest(member=member, signature=signature):
                self.refuse(INVALID_ARGS, "", self.call, path, interface, member, signature, args)

    def test_unknown_vm(self):
        unknown = "org.freedesktop.DBus.Error.UnknownObject"
        self.refuse(unknown, "Unknown object", self.set_quota, OTHER, 5)
        self.refuse(unknown, "Unknown object", self.reset_quota, OTHER)
        self.refuse(NO_SUCH_VM, "There is no VM", self.confirm, OTHER)
        for path in ("/org/pasidd1/vm", "/org/pasidd1/vm/", "/org/pasidd1", "/", vm_path(WEB) + "/x"):
            with self.subTest(path=path), self.assertRaises((BusError, ConnectionError)):
                self.call(path, VM, "SetQuota", "ua{sv}", (5, {}), client=self.connect())
            self.assertEqual(self.snapshot(), self.before)

    def test_no_uuid(self):
        for uuid in ("", "web", WEB + "0", WEB[:-1], "00000000-0000-0000-0000-000000000000", f" {WEB}", f"{WEB}\n"):
            with self.subTest(uuid=uuid):
                self.refuse(INVALID_ARGS, "is not a UUID", self.reserve, uuid, "late")
                self.refuse(INVALID_ARGS, "is not a UUID", self.confirm, uuid)
                self.refuse(INVALID_ARGS, "is not a UUID", self.release, uuid)

    def test_unusable_names(self):
        """What must not reach logs, terminals and the state file, which would be taken for corrupt with it."""
        for name in ("", "a\nb", "a\x1b[31m", "a\x7f", "a\x85b", "x" * 1000):
            with self.subTest(name=name):
                self.refuse(INVALID_ARGS, "name", self.reserve, OTHER, name)

    def test_read_only(self):
        for path, interface, name, value in (
            (vm_path(WEB), VM, "Quota", ("u", 5)),
            (MANAGER_PATH, MANAGER, "DefaultQuota", ("u", 5)),
        ):
            with self.subTest(name=name):
                self.refuse(
                    "org.freedesktop.DBus.Error.PropertyReadOnly",
                    "",
                    self.call,
                    path,
                    PROPERTIES,
                    "Set",
                    "ssv",
                    (interface, name, value),
                )

    def test_unknown_members(self):
        unknown = "org.freedesktop.DBus.Error.UnknownMethod"
        self.refuse(unknown, "", self.call, MANAGER_PATH, MANAGER, "SetQuota", "ua{sv}", (5, {}))
        self.refuse(unknown, "", self.call, vm_path(WEB), VM, "Reload")


if __name__ == "__main__":
    main()
