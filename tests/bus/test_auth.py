#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Authorization: reads are open, polkit decides about each change."""

import os
import unittest

from minibus import (
    ALLOW_INTERACTIVE,
    CALL,
    DESTINATION,
    INTERFACE,
    MEMBER,
    NO_REPLY_EXPECTED,
    PATH,
    BusError,
    FdConnection,
    encode,
    wait_until,
)
from testenv import *


class Auth(BusTest):
    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()

    def set_overrides(self, layer):
        rows = [(layer, "vm", uuid, "", self.options({"quota": 5})) for uuid in (WEB, DB)]
        self.manager_call("SetOverrides", "a(ssssa{sv})a{sv}", rows, {})

    def set_log_level(self, level):
        interface = "org.freedesktop.LogControl1"
        self.call(
            "/org/freedesktop/LogControl1", PROPERTIES, "Set", "ssv", (interface, "LogLevel", ("s", level))
        )

    def changes(self):
        """Every method that changes something, with the polkit action that it needs."""
        return (
            ("org.pasidd1.set-quota", lambda: self.set_quota(WEB, 5)),
            ("org.pasidd1.set-quota", lambda: self.set_quota(WEB, 5, runtime=True)),
            ("org.pasidd1.set-quota", lambda: self.set_quota(WEB, 5, dry_run=True)),
            ("org.pasidd1.set-quota", lambda: self.reset_quota(WEB)),
            ("org.pasidd1.set-default-quota", lambda: self.set_default(5)),
            ("org.pasidd1.set-default-quota", lambda: self.reset_default()),
            ("org.pasidd1.set-overrides", lambda: self.set_overrides("persistent")),
            ("org.pasidd1.set-overrides", lambda: self.set_overrides("runtime")),
            ("org.pasidd1.reserve", lambda: self.reserve(DB, "db", quota=5)),
            ("org.pasidd1.reserve", lambda: self.release(WEB)),
            ("org.pasidd1.reload", lambda: self.manager_call("Reload")),
            ("org.pasidd1.log-control", lambda: self.set_log_level("debug")),
        )

    def check_denied(self, error=ACCESS_DENIED, text="denied"):
        self.root.config("[Manager]\nDefaultQuota=5\n")
        before = self.snapshot()
        for i, (_, change) in enumerate(self.changes()):
            with self.subTest(change=i):
                self.assert_error(error, text, change)
                self.assertEqual(self.snapshot(), before)

    def check_reads(self):
        self.assertEqual(self.vm_names(), ["web"])
        self.assertEqual(self.get(WEB, "Quota"), 1000)
        self.assertEqual(self.get_manager("DefaultQuota"), 1000)
        self.assertEqual(self.confirm(WEB), (1000,))
        self.assertEqual(self.manager_call("GetVM", "s", "web"), (vm_path(WEB),))

    def test_no(self):
        self.polkit.mode = "no"
        self.check_denied()
        self.check_reads()

    def test_challenge_is_no_yes(self):
        self.polkit.mode = "challenge"
        self.check_denied("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "Interactive")
        self.assert_error(ACCESS_DENIED, "denied", self.set_quota, WEB, 5, flags=ALLOW_INTERACTIVE)

    def test_polkit_fails(self):
        self.polkit.mode = "error"
        self.check_denied()
        self.daemon.wait_output("polkit cannot answer, access is denied")

    def test_polkit_talks_nonsense(self):
        self.polkit.mode = "nonsense"
        self.check_denied()

    def test_polkit_absent(self):
        self.polkit.stop()
        self.check_denied()
        self.check_reads()

    def test_order(self):
        """Of one caller's requests none overtakes another, known as he may be by then."""
        sent = [
            self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (quota, {"runtime": ("b", True)}))
            for quota in range(1, 60)
        ]
        previous = [self.client.reply(serial)[0] for serial in sent]
        self.assertEqual(previous, [1000, *range(1, 59)])
        self.assertEqual(self.get(WEB, "Quota"), 59)

    def test_actions(self):
        """Which action is asked for, and what polkit's rules can decide on."""
        for i, (action, change) in enumerate(self.changes()):
            with self.subTest(change=i):
                self.polkit.questions.clear()
                change()
                (question,) = self.polkit.questions
                self.assertEqual(question["action"], action)
                self.assertEqual(question["subject"], ("system-bus-name", {"name": self.client.name}))
                self.assertEqual(question["flags"], 0)

    def test_details(self):
        self.set_quota(WEB, 5)
        self.assertEqual(self.polkit.questions[-1]["details"], {"vm": "web", "uuid": WEB, "quota": "5"})
        self.reset_quota(WEB)
        self.assertEqual(self.polkit.questions[-1]["details"], {"vm": "web", "uuid": WEB})
        self.set_default(6)
        self.assertEqual(self.polkit.questions[-1]["details"], {"quota": "6"})
        self.reserve(DB, "db")
        self.assertEqual(self.polkit.questions[-1]["details"], {"uuid": DB})

    def test_details_of_set_override(self):
        """A rule about who may set what must not be passed by in another way; and the caller's word is no VM's name."""
        for key, name, values, details in (
            (WEB.upper(), "x", {"quota": 5}, {"vm": "web", "uuid": WEB, "quota": "5"}),
            (OTHER.upper(), "web", {"quota": 5, "watermark": 2}, {"uuid": OTHER, "quota": "5"}),
            ("unit:a.service", "", {"quota": 0}, {"quota": "0"}),
            (WEB, "", {}, {"vm": "web", "uuid": WEB}),
        ):
            with self.subTest(key=key):
                self.set_override("vm", key, name, **values)
                self.assertEqual(
                    self.polkit.questions[-1]["details"], {**details, "key": key.lower(), "layer": "persistent"}
                )
        self.set_override("slice", "tenant.slice", "", quota=2**32 - 1)
        self.assertEqual(
            self.polkit.questions[-1]["details"],
            {"slice": "tenant.slice", "quota": "max", "key": "tenant.slice", "layer": "persistent"},
        )
        self.set_override("default", "", "", quota=9)
        self.assertEqual(self.polkit.questions[-1]["details"], {"quota": "9", "layer": "persistent"})

    def hold_override(self, key, name):
        self.polkit.mode = "hold"
        args = ("persistent", "vm", key, name, self.options({"quota": 7}), {})
        serial = self.client.send(BUS_NAME, MANAGER_PATH, MANAGER, "SetOverride", "ssssa{sv}a{sv}", args)
        wait_until(lambda: self.polkit.held, "polkit is asked")
        return serial

    def test_vm_appears_meanwhile(self):
        """What was asked about had no name; a rule about the one that it has now was not asked."""
        serial = self.hold_override(DB, "web")
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        self.polkit.let_go()
        self.assert_error(ACCESS_DENIED, "not what polkit was asked about", self.client.reply, serial)
        self.assertEqual(self.source(DB), (1000, "default"))
        self.polkit.mode = "yes"
        self.set_override("vm", DB, "web", quota=7)
        self.assertEqual(self.source(DB), (7, "persistent"))

    def test_vm_renamed_meanwhile(self):
        """A rule about the former name said yes; the name that it has now was not asked about."""
        self.polkit.mode = "hold"
        for path, interface, member, signature, args in (
            (vm_path(WEB), VM, "SetQuota", "ua{sv}", (7, {})),
            (MANAGER_PATH, MANAGER, "SetOverride", "ssssa{sv}a{sv}", ("runtime", "vm", WEB, "", {"quota": ("u", 7)}, {})),
        ):
            with self.subTest(member=member):
                name = f"renamed-{member}"
                serial = self.client.send(BUS_NAME, path, interface, member, signature, args)
                wait_until(lambda: self.polkit.held, "polkit is asked")
                self.polkit.mode = "yes"
                self.reserve(WEB, name, reconnect=True)
                self.polkit.let_go()
                self.assert_error(ACCESS_DENIED, f'not what polkit was asked about.* it is "{name}', self.client.reply, serial)
                self.assertEqual(self.get(WEB, "Quota"), 1000)
                self.polkit.mode = "hold"

    def test_vm_vanishes_meanwhile(self):
        serial = self.hold_override(WEB, "")
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.polkit.let_go()
        self.assert_error(ACCESS_DENIED, "not what polkit was asked about", self.client.reply, serial)
        self.assertEqual(self.manager_call("ListOverrides")[0], [])

    def test_nonsense_is_not_asked_about(self):
        """Arguments are checked before anybody has to type a password for them."""
        for call in (
            lambda: self.set_override("vm", "web", "web", quota=5),
            lambda: self.set_override("vm", WEB, "", quota=2**31),
            lambda: self.set_override("slice", "tenant", "", quota=5),
            lambda: self.set_override("default", "x", "", quota=5),
            lambda: self.set_quota(WEB, 2**31),
            lambda: self.set_default(2**31),
            lambda: self.manager_call("SetSliceQuota", "sua{sv}", "tenant", 5, {}),
            lambda: self.manager_call("ResetSliceQuota", "sa{sv}", "tenant", {}),
            lambda: self.reserve("nonsense", "db"),
        ):
            with self.assertRaises(BusError):
                call()
        self.assertEqual(self.polkit.questions, [])

    def set_override(self, kind, key, name, **values):
        self.manager_call("SetOverride", "ssssa{sv}a{sv}", "persistent", kind, key, name, self.options(values), {})

    def test_interactive(self):
        self.set_quota(WEB, 5, flags=ALLOW_INTERACTIVE)
        self.assertEqual(self.polkit.questions[-1]["flags"], 1)

    def test_does_not_block(self):
        """While polkit thinks, or a user types a password, everything else goes on."""
        self.polkit.mode = "hold"
        serial = self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}))
        wait_until(lambda: self.polkit.held, "polkit is asked")
        self.check_reads()
        self.add_machine("db", DB, 2, sets=[2])
        self.wait_vm("db")
        self.wait_quota(2, 1000)
        self.assertEqual(self.root.quota(1), 1000)
        self.polkit.let_go()
        self.assertEqual(self.client.reply(serial), (1000, "persistent"))
        self.assertEqual(self.root.quota(1), 5)

    def test_vm_gone_meanwhile(self):
        self.polkit.mode = "hold"
        serial = self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}))
        wait_until(lambda: self.polkit.held, "polkit is asked")
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.polkit.let_go()
        self.assert_error("org.pasidd1.Error.NoSuchVM", "gone", self.client.reply, serial)

    def test_caller_gone_meanwhile(self):
        self.polkit.mode = "hold"
        client = self.connect()
        client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}))
        wait_until(lambda: self.polkit.held, "polkit is asked")
        client.close()
        self.polkit.mode = "yes"
        self.polkit.let_go()
        self.assertEqual(self.set_quota(WEB, 6)[1], "persistent")

    def test_flood(self):
        """Requests that wait for polkit must not use up the calls that the bus lets the daemon have open (128)."""
        self.polkit.mode = "hold"
        clients = [self.connect() for _ in range(4)]
        serials = [
            (c, c.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}))) for c in clients for _ in range(60)
        ]
        # All of them are with the daemon before the next one, which comes by another way, is sent.
        for client in clients:
            client.sync()
        self.assert_error("org.freedesktop.DBus.Error.LimitsExceeded", "Too many", self.set_quota, WEB, 6)
        self.check_reads()
        # One user's requests leave room for those of others.
        self.assertLessEqual(len(self.polkit.held), 8)
        if IS_ROOT:
            self.assertEqual(self.reserve(OTHER, "late", client=self.connect(0)), (1000, "default"))
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        self.root.add_set(2, 1002, self.get(DB, "ControlGroup"))
        self.wait_quota(2, 1000)

        # Those that were let in get their answer, the others got an error.
        self.polkit.mode = "yes"
        self.polkit.let_go()
        answers = []
        for client, serial in serials:
            try:
                answers.append(client.reply(serial)[1])
            except BusError as e:
                answers.append(e.name)
        self.assertEqual(set(answers), {"persistent", "org.freedesktop.DBus.Error.LimitsExceeded"})
        self.assertEqual(self.set_quota(WEB, 6), (5, "persistent"))

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
    def test_flood_by_many_users(self):
        self.polkit.mode = "hold"
        uids = sorted({user.pw_uid for user in pwd.getpwall()} - {0, DAEMON_UID})[:12]
        self.assertEqual(len(uids), 12)
        for client in [self.connect(uid) for uid in uids]:
            for _ in range(60):
                client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}))
        self.assertEqual(self.set_quota(WEB, 6, client=self.connect(0)), (1000, "persistent"))
        self.assertEqual(self.get(WEB, "Quota"), 6)
        self.assertLessEqual(len(self.polkit.held), 32)

    def test_large_messages_do_not_wait(self):
        """They would be kept for as long as polkit takes."""
        self.polkit.mode = "hold"
        self.assert_error(INVALID_ARGS, "more than 16384 bytes", self.reserve, DB, "x" * 20000)
        options = {f"option{i}": ("b", True) for i in range(1000)}
        self.assert_error(
            INVALID_ARGS, "more than 16384 bytes", self.call, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, options)
        )
        self.assertEqual(self.polkit.held, [])

    def test_types_count(self):
        """The types of variants are the caller's, too, and can be longer than what they hold."""
        empty = ("a(" + "y" * 200 + ")", [])
        options = {f"option{i}": empty for i in range(200)}
        self.assert_error(
            INVALID_ARGS, "more than 16384 bytes", self.call, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, options)
        )

    def test_quotes_are_cut(self):
        """The bus keeps an answer that is not read: what a caller sent does not come back as a whole."""
        name = "\u00e4" * 8000
        with self.assertRaises(BusError) as context:
            self.call(vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {name: ("b", True)}))
        self.assertEqual(context.exception.name, INVALID_ARGS)
        self.assertRegex(context.exception.message, "^Unknown option \"\u00e4+\\.\\.\\.$")
        self.assertLess(len(context.exception.message.encode()), 1024)

    def test_file_descriptors_stay_out(self):
        """Messages that wait for polkit would keep what was sent along open."""
        self.polkit.mode = "hold"
        before = self.daemon.count_fds()
        client = FdConnection(self.bus.socket, CALLER_UID)
        self.addCleanup(client.close)
        reader, writer = os.pipe()
        for _ in range(20):
            client.send_fds(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}), [reader] * 16)
        os.close(reader)
        os.close(writer)
        client.sync()
        self.check_reads()
        self.assertLessEqual(self.daemon.count_fds(), before)

    def test_stops_while_asking(self):
        self.polkit.mode = "hold"
        self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}))
        wait_until(lambda: self.polkit.held, "polkit is asked")
        self.assertEqual(self.daemon.stop(), 0)

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be root on the bus")
    def test_root_is_not_asked(self):
        self.polkit.mode = "no"
        root = self.connect(0)
        self.assertEqual(self.set_quota(WEB, 5, client=root), (1000, "persistent"))
        self.assertEqual(self.reserve(DB, "db", client=root), (1000, "default"))
        self.assertEqual(self.polkit.questions, [])

    @unittest.skipUnless(IS_ROOT, "needs root rights: without, daemon and caller are one user, who may own the name")
    def test_nobody_else_owns_the_name(self):
        self.daemon.stop()
        self.assert_error(ACCESS_DENIED, "not allowed to own", self.client.request_name, BUS_NAME)

    def test_other_interfaces_stay_out(self):
        """The bus policy names what callers may reach."""
        self.assert_error(
            ACCESS_DENIED, "", self.call, MANAGER_PATH, "org.freedesktop.LogControl1", "Anything", "s", ("x",)
        )


class Flood(BusTest):
    """Anybody may send as much as the bus lets him."""

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start_quietly()

    def pause(self):
        """What is sent meanwhile is there all at once, in order."""
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.daemon.process.send_signal, signal.SIGCONT)

    def go_on(self):
        self.daemon.process.send_signal(signal.SIGCONT)

    @staticmethod
    def send_many(client, n, path, interface, member, signature="", args=()):
        fields = {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: BUS_NAME}
        data = b"".join(encode(CALL, 10**6 + i, fields, signature, args, NO_REPLY_EXPECTED) for i in range(n))
        client.socket.sendall(data)
        client.sync()

    def test_new_vms_do_not_wait(self):
        """They get their limit before the daemon is through with its callers."""
        noisy = self.connect()
        self.pause()
        self.send_many(noisy, 3000, MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        last = noisy.send(BUS_NAME, MANAGER_PATH, MANAGER, "ListVMs")
        noisy.sync()
        cgroup = self.add_machine("db", DB, 2)
        self.machined.connection.sync()
        self.go_on()
        self.wait_limit(cgroup, 1000)
        self.assertNotIn(last, noisy.replies)
        noisy.reply(last, timeout=60)

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
    def test_root_gets_through(self):
        """A user's connections fill the queue while nobody knows whose they are."""
        self.polkit.mode = "hold"
        root = self.connect(0)
        clients = [self.bus.connect(CALLER_UID) for _ in range(12)]
        for client in clients:
            self.addCleanup(client.close)
        self.pause()
        for client in clients:
            self.send_many(client, 500, vm_path(WEB), VM, "SetQuota", "ua{sv}", (5, {}))
        serial = root.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (6, {}))
        root.sync()
        self.go_on()
        self.assertEqual(root.reply(serial, timeout=60), (1000, "persistent"))


class WithoutPolkit(BusTest):
    with_polkit = False

    def test_denied(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        before = self.snapshot()
        self.assert_error(ACCESS_DENIED, "denied", self.set_quota, WEB, 5)
        self.assertEqual(self.snapshot(), before)


if __name__ == "__main__":
    main()
