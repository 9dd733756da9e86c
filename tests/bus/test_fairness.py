#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user must not keep others from getting answers: floods of calls, unread answers, places that
are taken, requests to polkit without a waiting caller."""

import contextlib
import os
import pwd
import re
import signal
import unittest

from minibus import (
    CALL,
    DESTINATION,
    ERROR,
    INTERFACE,
    MEMBER,
    NO_REPLY_EXPECTED,
    PATH,
    BusError,
    Connection,
    DeafConnection,
    PeerConnection,
    encode,
    wait_until,
)
from testenv import *

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
LIMITS_EXCEEDED = "org.freedesktop.DBus.Error.LimitsExceeded"

# What a connection may have open, see dbus-daemon(1): max_replies_per_connection.
REPLIES_MAX = 128

# More than the bus keeps of one sender's messages: 127 MiB.
BUS_KEEPS = 150 << 20


class Fairness(BusTest):
    def large_vms(self, n):
        """VMs that are reserved only: each makes answers about 12 KB larger, at next to no cost."""
        root = self.connect(0 if IS_ROOT else None)
        metadata = ("a(ss)", [(f"key{i}", "x" * 250) for i in range(42)])
        for i in range(n):
            self.reserve(f"aaaabbbb-0000-4000-8000-{i:012x}", f"vm{i}", client=root, metadata=metadata)

    def pause(self):
        """What is sent meanwhile is there all at once, in order."""
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.daemon.process.send_signal, signal.SIGCONT)

    def go_on(self):
        self.daemon.process.send_signal(signal.SIGCONT)

    def cpu_ticks(self):
        """Of the daemon up to now."""
        with open(f"/proc/{self.daemon.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    @staticmethod
    def send_many(client, n, path, interface, member, signature="", args=(), flags=0):
        fields = {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: BUS_NAME}
        client.socket.sendall(b"".join(encode(CALL, 10**6 + i, fields, signature, args, flags) for i in range(n)))

    def connect_as(self, kind, uid=CALLER_UID):
        c = kind(self.bus.socket, uid)
        self.addCleanup(c.close)
        return c

    def other_uids(self, n):
        uids = self.all_other_uids()[:n]
        self.assertEqual(len(uids), n)
        return uids

    @staticmethod
    def all_other_uids():
        return sorted({user.pw_uid for user in pwd.getpwall()} - {0, DAEMON_UID, CALLER_UID})


class Calls(Fairness):
    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])

    def members(self):
        """All methods that the interfaces have."""
        for name in ("Manager", "VM"):
            text = (SOURCE / f"conf/dbus/org.pasidd1.{name}.xml").read_text()
            yield from re.findall(r'<method name="(\w+)"', text)

    READS = {
        "GetVM",
        "GetVMByPID",
        "GetVMByControlGroup",
        "ListVMs",
        "Confirm",
        "ListEvents",
        "GetMetrics",
        "Explain",
        "ListSlices",
        "ListOverrides",
    }

    def test_no_reply_changes(self):
        """A call that expects no reply, and changes something, is carried out."""
        self.start()
        vm = vm_path(WEB)
        calls = {
            "SetQuota": (vm, VM, "ua{sv}", (5, {})),
            "ResetQuota": (vm, VM, "a{sv}", ({},)),
            "SetDefaultQuota": (MANAGER_PATH, MANAGER, "ua{sv}", (5, {})),
            "ResetDefaultQuota": (MANAGER_PATH, MANAGER, "a{sv}", ({},)),
            "Reserve": (MANAGER_PATH, MANAGER, "ssa{sv}", (DB, "db", {})),
            "Release": (MANAGER_PATH, MANAGER, "s", (DB,)),
            "Reload": (MANAGER_PATH, MANAGER, "", ()),
            "SetSliceQuota": (MANAGER_PATH, MANAGER, "sua{sv}", ("machine.slice", 5, {})),
            "ResetSliceQuota": (MANAGER_PATH, MANAGER, "sa{sv}", ("machine.slice", {})),
            "SetOverride": (MANAGER_PATH, MANAGER, "ssssa{sv}a{sv}", ("runtime", "vm", WEB, "", {}, {})),
            "SetOverrides": (
                *(MANAGER_PATH, MANAGER, "a(ssssa{sv})a{sv}"),
                ([("runtime", "vm", WEB, "", {"quota": ("u", 5)})], {}),
            ),
            "Reconcile": (MANAGER_PATH, MANAGER, "", ()),
        }
        self.assertEqual(set(self.members()), calls.keys() | self.READS | {"Subscribe", "Unsubscribe"})
        for member, (path, interface, signature, args) in calls.items():
            with self.subTest(member=member):
                self.polkit.questions.clear()
                self.client.send(BUS_NAME, path, interface, member, signature, args, NO_REPLY_EXPECTED)
                wait_until(lambda: self.polkit.questions, "polkit is asked")

    def test_no_reply_subscribe(self):
        self.start()
        self.client.send(BUS_NAME, MANAGER_PATH, MANAGER, "Subscribe", flags=NO_REPLY_EXPECTED)
        self.wait_changed(Allocated=0)
        self.client.send(BUS_NAME, MANAGER_PATH, MANAGER, "Unsubscribe", flags=NO_REPLY_EXPECTED)
        self.get_manager("State")

    def test_no_reply_reads(self):
        """Nothing is worked on for nobody."""
        self.start_quietly()
        self.large_vms(60)
        before = self.cpu_ticks()
        for _ in range(30):
            self.call(MANAGER_PATH, OBJECT_MANAGER, "GetManagedObjects")
        answered = self.cpu_ticks() - before
        before = self.cpu_ticks()
        self.send_many(
            self.client, 3000, MANAGER_PATH, OBJECT_MANAGER, "GetManagedObjects", flags=NO_REPLY_EXPECTED
        )
        # It is answered after all of them.
        self.client.call(BUS_NAME, MANAGER_PATH, MANAGER, "GetVM", "s", (WEB,), timeout=60)
        # A hundred times as many for less than ten times the time.
        self.assertLess(self.cpu_ticks() - before, 10 * (answered + 1))

    def test_long_path(self):
        """An error would quote it."""
        self.start()
        self.assert_error(INVALID_ARGS, "^The object path", self.call, "/" + "x" * 5000, PROPERTIES, "Get")

    def test_forged_signals(self):
        self.start()
        self.manager_call("Subscribe")
        self.wait_changed(Allocated=0)
        forger = self.connect()
        fields = {
            PATH: "/org/freedesktop/DBus",
            INTERFACE: "org.freedesktop.DBus",
            MEMBER: "NameOwnerChanged",
            DESTINATION: BUS_NAME,
        }
        forger._send(4, fields, "sss", (self.client.name, self.client.name, ""))
        forger.call_driver("GetId")
        self.get_manager("State")
        self.root.set_attribute(1, "allocated", 7)
        self.wait_changed(Allocated=7)


@unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
class Reads(Fairness):
    def flood(self, connections=8):
        """As many calls as the bus lets one user have open on so many connections, at once."""
        clients = [self.bus.connect(CALLER_UID) for _ in range(connections)]
        for client in clients:
            self.addCleanup(client.close)
        self.pause()
        for client in clients:
            self.send_many(client, REPLIES_MAX - 8, MANAGER_PATH, OBJECT_MANAGER, "GetManagedObjects")
            client.sync()
        return clients

    @staticmethod
    def answers(clients):
        return sum(serial >= 10**6 and r.type != ERROR for c in clients for serial, r in c.replies.items())

    def start_large(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start_quietly()
        self.large_vms(60)

    def test_root_on_the_bus(self):
        self.start_large()
        root = self.connect(0)
        self.get_by(root)
        clients = self.flood()
        serial = root.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (6, {}))
        root.sync()
        self.go_on()
        self.assertEqual(root.reply(serial, timeout=60), (1000, "persistent"))
        self.assertLess(self.answers(clients), len(clients) * (REPLIES_MAX - 8))

    def get_by(self, client):
        return self.manager_call("GetVM", "s", WEB, client=client)

    def test_another_user(self):
        self.start_large()
        (uid,) = self.other_uids(1)
        other = self.connect(uid)
        clients = self.flood()
        serial = other.send(BUS_NAME, MANAGER_PATH, MANAGER, "GetVM", "s", (WEB,))
        other.sync()
        self.go_on()
        self.assertEqual(other.reply(serial, timeout=60), (vm_path(WEB),))
        self.assertLess(self.answers(clients), len(clients) * (REPLIES_MAX - 8))

    def test_new_vm(self):
        self.start_large()
        clients = self.flood()
        cgroup = self.add_machine("db", DB, 2)
        self.machined.connection.sync()
        self.go_on()
        self.wait_limit(cgroup, 1000)
        self.assertLess(self.answers(clients), len(clients) * (REPLIES_MAX - 8))

    def test_hook(self):
        self.start_large()
        peer = PeerConnection(str(self.root.path / "run/pasidd/hook"))
        self.addCleanup(peer.close)
        clients = self.flood()
        serial = peer.send(None, MANAGER_PATH, MANAGER, "Reserve", "ssa{sv}", (DB, "db", {}))
        self.go_on()
        self.assertEqual(peer.reply(serial, timeout=60), (1000, "default"))
        self.assertLess(self.answers(clients), 2 * REPLIES_MAX)

    def test_own_calls_go_on(self):
        """The flood's user waits for its turn, and is answered then; every call is answered or refused."""
        self.start_large()
        clients = self.flood()
        late = self.connect()
        self.go_on()
        wait_until(lambda: self.is_answered(late), "the user is answered again", timeout=300)
        for client in clients:
            for i in range(REPLIES_MAX - 8):
                try:
                    client.reply(10**6 + i, timeout=300)
                except BusError as error:
                    self.assertEqual(error.name, LIMITS_EXCEEDED)

    def test_answers_of_the_bus(self):
        """They wait behind the flood. sd-bus closes the connection if it misses the one to AddMatch."""
        self.daemon.spawn("--log-level=warning", SYSTEMD_BUS_TIMEOUT="200ms")
        self.daemon.wait_notify("READY=1", timeout=60)
        self.large_vms(60)
        clients = self.flood()
        self.go_on()
        late = self.connect()
        wait_until(lambda: self.is_answered(late), "the user is answered", timeout=300)
        self.assertGreater(self.answers(clients), 0)
        self.assertNotIn("Lost the connection", self.daemon.text())

    def is_answered(self, client):
        try:
            return self.manager_call("GetVM", "s", WEB, client=client, timeout=300) == (vm_path(WEB),)
        except BusError as error:
            self.assertEqual(error.name, LIMITS_EXCEEDED)
            return False


class Unread(Fairness):
    def test_deaf(self):
        """The bus keeps answers that nobody reads, and when it has too many of ours takes no more of us."""
        self.start_quietly()
        self.large_vms(80)
        root = self.connect(0 if IS_ROOT else None)
        size = 80 * 12000
        deaf = []
        for _ in range(BUS_KEEPS // size // (REPLIES_MAX - 8) + 5):
            c = self.connect_as(DeafConnection)
            deaf.append(c)
            self.send_many(c, REPLIES_MAX - 8, MANAGER_PATH, OBJECT_MANAGER, "GetManagedObjects")
        # They wait for their turn; by then all are answered or refused.
        for _ in range(20):
            self.manager_call("GetVM", "s", "vm1", client=root, timeout=30)
            time.sleep(0.5)

    def test_reader(self):
        """Who reads gets as much as he likes."""
        self.start_quietly()
        self.large_vms(80)
        total = 0
        while total < BUS_KEEPS // 2:
            (objects,) = self.client.call(BUS_NAME, MANAGER_PATH, OBJECT_MANAGER, "GetManagedObjects", timeout=60)
            self.assertEqual(len(objects), 80)
            total += 80 * 12000


class DeafListeners(Fairness):
    """Who has only a match rule, and reads nothing, is not known to the daemon. The bus keeps less here than the 127 MiB
    that are usual, which is what it takes without the daemon's own bound."""

    bus_limits = '<limit name="max_incoming_bytes">50000000</limit>'
    N = 400

    def vm(self, i):
        return f"aaaabbbb-0000-4000-8000-{i:012x}"

    def listen(self, rule):
        c = self.connect_as(DeafConnection)
        driver = "org.freedesktop.DBus"
        c.send(driver, "/org/freedesktop/DBus", driver, "AddMatch", "s", (rule,))
        return c

    def change_all(self, root):
        """A signal of each VM."""
        self.default = 3 - self.default
        self.manager_call("SetDefaultQuota", "ua{sv}", self.default, self.options({"runtime": True}), client=root)

    def closed(self):
        return any("Listeners on the bus do not read" in line for line in self.daemon.output)

    def test_storm(self):
        self.default = 1
        self.start_quietly()
        # It reads all signals, which takes a test longer than anything else.
        self.client.close()
        root = self.bus.connect(0 if IS_ROOT else None)
        self.addCleanup(root.close)
        for i in range(self.N):
            self.reserve(self.vm(i), f"vm{i}", client=root)

        deaf = [self.listen(f"type='signal',sender='{BUS_NAME}'") for _ in range(2)]
        deaf += [self.listen(f"type='signal',interface='{PROPERTIES}'") for _ in range(8)]
        calls = 0
        while not self.closed() and calls < 1000:
            self.change_all(root)
            calls += 1
        # Together more than the bus keeps.
        for _ in range(calls):
            self.change_all(root)
        self.assertTrue(self.closed())
        self.manager_call("Release", "s", self.vm(0), client=root)
        self.reserve(DB, "db", client=root)

        reader = self.connect()
        for c in deaf:
            c.socket.shutdown(2)
        signal = reader.wait_signal("PropertiesChanged", lambda args: args[1].get("Quota") == self.default)
        self.assertEqual(signal.interface, PROPERTIES)
        # What came and went meanwhile is told as well.
        reader.wait_signal("InterfacesRemoved", lambda args: args[0] == vm_path(self.vm(0)))
        reader.wait_signal("InterfacesAdded", lambda args: args[0] == vm_path(DB))
        reader.wait_signal("VMAdded", lambda args: args[0] == DB)
        reader.wait_signal("PropertiesChanged", lambda args: args[0] == MANAGER and "Status" in args[1])


@unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
class Seats(Fairness):
    def test_metrics(self):
        """Three connections of one user leave room for others, and root does not wait behind them."""
        self.add_machine("web", WEB, 1, sets=[1])
        self.start_quietly()
        self.large_vms(20)
        root = self.connect(0)
        clients = [self.bus.connect(CALLER_UID) for _ in range(3)]
        for client in clients:
            self.addCleanup(client.close)
        self.pause()
        for client in clients:
            self.send_many(client, REPLIES_MAX - 8, MANAGER_PATH, MANAGER, "GetMetrics")
            client.sync()
        serials = [root.send(BUS_NAME, MANAGER_PATH, MANAGER, "GetMetrics") for _ in range(20)]
        root.sync()
        self.go_on()
        for serial in serials:
            root.reply(serial, timeout=60)

    def test_metrics_of_those_who_left(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start_quietly()
        for _ in range(5):
            client = self.bus.connect(CALLER_UID)
            self.send_many(client, REPLIES_MAX - 8, MANAGER_PATH, MANAGER, "GetMetrics")
            client.sync()
            client.close()
        (uid,) = self.other_uids(1)
        self.assertIn("pasidd_", self.manager_call("GetMetrics", client=self.connect(uid))[0])

    def test_subscribers(self):
        """One user's connections do not take all places."""
        self.start_quietly()
        n = 0
        for uid in (CALLER_UID, *self.other_uids(2)):
            refused = False
            for _ in range(200):
                client = self.bus.connect(uid)
                self.addCleanup(client.close)
                try:
                    self.manager_call("Subscribe", client=client)
                    n += 1
                except BusError as error:
                    self.assertEqual(error.name, LIMITS_EXCEEDED)
                    refused = True
                    break
            self.assertTrue(refused)
        self.assertLess(n, 256)
        self.manager_call("Subscribe", client=self.connect(0))


@unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
class ManyUids(Fairness):
    """Who owns many uids (/etc/subuid) is as many users: all of them together leave root its places. Here they are those
    that have a name, because dbus-daemon lets in no others."""

    def test_held_calls(self):
        """root's first call waits until the bus has said whose it is."""
        self.add_machine("web", WEB, 1, sets=[1])
        self.root.config("".join(f"[Slice machine-{i}.slice]\nLimit=5000\n" for i in range(8)))
        self.start_quietly()
        root = self.connect(0)
        # ListSlices looks at each for each slice, so that it takes long; and its answer is small.
        for i in range(400):
            self.reserve(f"aaaabbbb-0000-4000-8000-{i:012x}", f"vm{i}", client=root)
        # With 512 places each, more than there are if it is at least 17.
        uids = [CALLER_UID, *self.all_other_uids()]
        clients = [self.bus.connect(uid) for uid in uids for _ in range(6)]
        for client in clients:
            self.addCleanup(client.close)
            self.manager_call("GetVM", "s", WEB, client=client)
        root = self.connect(0)
        self.pause()
        for client in clients:
            self.send_many(client, REPLIES_MAX - 8, MANAGER_PATH, MANAGER, "ListSlices")
            client.sync()
        # A daemon that the machine leaves less time than the users' budgets holds no calls.
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, self.daemon.process.pid, -20)
        serial = root.send(BUS_NAME, MANAGER_PATH, MANAGER, "GetVM", "s", (WEB,))
        root.sync()
        self.go_on()
        self.assertEqual(root.reply(serial, timeout=120), (vm_path(WEB),))

    def test_subscribers(self):
        self.start_quietly()
        for uid in (CALLER_UID, *self.other_uids(10)):
            while self.subscribes(uid):
                pass
        for _ in range(32):
            self.assertTrue(self.subscribes(0))

    def subscribes(self, uid):
        client = self.bus.connect(uid)
        self.addCleanup(client.close)
        try:
            self.manager_call("Subscribe", client=client)
        except BusError as error:
            self.assertEqual(error.name, LIMITS_EXCEEDED)
            return False
        return True


class PolkitQuestions(Fairness):
    """Questions that nobody waits for any more."""

    def setUp(self):
        super().setUp()
        self.cancelled = []
        self.polkit.connection.handle(
            "org.freedesktop.PolicyKit1.Authority", "CancelCheckAuthorization", self.on_cancel
        )
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.polkit.mode = "hold"

    def on_cancel(self, message):
        self.cancelled.append(message.args[0])
        return "", ()

    def ids(self):
        return [message.args[4] for message in self.polkit.held]

    def ask(self, client, quota=5):
        return client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (quota, {}))

    def test_cancelled(self):
        """polkit would go on asking the user for a password."""
        client = self.connect()
        for _ in range(12):
            self.ask(client)
        wait_until(lambda: len(self.polkit.held) == 8, "polkit is asked as much as one user may have it")
        serial = self.ask(self.client, 6)
        client.close()
        wait_until(lambda: len(self.cancelled) == 8, "the questions are taken back")
        self.assertEqual(sorted(self.cancelled), sorted(self.ids()[:8]))
        self.assertNotIn("", self.cancelled)
        # The other request of this user has its turn, those of the client that left have none.
        wait_until(lambda: len(self.polkit.held) == 9, "the next one is asked")
        self.polkit.let_go()
        self.assertEqual(self.client.reply(serial), (1000, "persistent"))
        self.assertEqual(self.root.quota(1), 6)

    def test_without_a_dialog(self):
        """What a caller did not want to wait for goes on without it: polkit asks no user."""
        client = self.connect()
        client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (7, {}), NO_REPLY_EXPECTED)
        wait_until(lambda: self.polkit.held, "polkit is asked")
        client.close()
        self.get_manager("State")
        self.polkit.let_go()
        self.wait_quota(1, 7)
        self.assertEqual(self.cancelled, [])

    def test_ids_are_unique(self):
        for _ in range(8):
            self.ask(self.client)
        wait_until(lambda: len(self.polkit.held) == 8, "polkit is asked")
        self.assertEqual(len(set(self.ids())), 8)


if __name__ == "__main__":
    main()
