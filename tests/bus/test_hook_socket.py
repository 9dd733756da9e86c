#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon's socket for the libvirt hook."""

import os
import socket
import unittest

import test_ctl
from ctlenv import *
from minibus import BusError, PeerConnection, wait_until

UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"
CONNECTIONS_MAX = 64


class ByPeer(BusTest):
    def setUp(self):
        super().setUp()
        self.path = self.root.path / "run/pasidd/hook"
        self.start()

    def peer(self, uid=None):
        c = PeerConnection(str(self.path), uid)
        self.addCleanup(c.close)
        return c

    def peer_call(self, peer, member, signature="", *args, path=MANAGER_PATH, interface=MANAGER):
        return peer.call(None, path, interface, member, signature, args)

    def test_methods(self):
        peer = self.peer()
        options = {"quota": ("u", 7)}
        self.assertEqual(self.peer_call(peer, "Reserve", "ssa{sv}", WEB, "web", options), (7, "metadata"))
        self.assertEqual(self.list_vms(), [(WEB, "web", vm_path(WEB))])
        self.assertEqual(self.peer_call(peer, "Release", "s", WEB), ())
        self.assertEqual(self.list_vms(), [])
        self.assert_error("org.pasidd1.Error.NoSuchVM", "", self.peer_call, peer, "Confirm", "s", WEB)
        # polkit has nothing to say about it.
        self.assertEqual(self.polkit.questions, [])

    def test_errors(self):
        peer = self.peer()
        self.assert_error(INVALID_ARGS, "not a UUID", self.peer_call, peer, "Reserve", "ssa{sv}", "x", "x", {})
        self.assert_error(
            INVALID_ARGS, "Unknown option", self.peer_call, peer, "Reserve", "ssa{sv}", WEB, "x", {"y": ("u", 1)}
        )

    def test_nothing_else(self):
        self.reserve(WEB, "web", client=self.connect(0) if IS_ROOT else self.client)
        peer = self.peer()
        for member, signature, args in (("ListVMs", "", ()), ("Reload", "", ()), ("SetDefaultQuota", "ua{sv}", (5, {}))):
            with self.subTest(member=member):
                self.assert_error(UNKNOWN_METHOD, "", self.peer_call, peer, member, signature, *args)
        with self.assertRaises(BusError) as context:
            self.peer_call(peer, "SetQuota", "ua{sv}", 5, {}, path=vm_path(WEB), interface=VM)
        self.assertIn(context.exception.name, (UNKNOWN_METHOD, UNKNOWN_OBJECT))

    def test_without_a_bus(self):
        """A start needs the daemon, and nothing else."""
        self.bus.stop()
        peer = self.peer()
        self.assertEqual(self.peer_call(peer, "Reserve", "ssa{sv}", WEB, "web", {}), (1000, "default"))
        self.bus.start()

    @unittest.skipUnless(IS_ROOT, "needs root rights, to be several users")
    def test_root_alone(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        with self.assertRaises(PermissionError):
            self.peer(CALLER_UID)
        # Whatever becomes of the file.
        self.path.chmod(0o666)
        with self.assertRaises((ConnectionError, TimeoutError)):
            self.peer_call(self.peer(CALLER_UID), "Reserve", "ssa{sv}", WEB, "web", {})
        self.daemon.wait_output("Refused a connection to the socket of the libvirt hook")
        self.assertEqual(self.list_vms(), [])

    def test_many_connections(self):
        """Those that do nothing leave room for the next one."""
        before = self.daemon.count_fds()
        idle = []
        for _ in range(3):
            for _ in range(CONNECTIONS_MAX):
                s = socket.socket(socket.AF_UNIX)
                self.addCleanup(s.close)
                s.connect(str(self.path))
                idle.append(s)
            # All of these are accepted by now: it is the kernel's queue that would be full.
            peer = self.peer()
            self.assert_error("org.pasidd1.Error.NoSuchVM", "", self.peer_call, peer, "Confirm", "s", WEB)
            peer.close()
        peer = self.peer()
        self.assertEqual(self.peer_call(peer, "Reserve", "ssa{sv}", WEB, "web", {}), (1000, "default"))
        # More are open for a moment, until those that were too many have been closed. libsystemd 257 has two descriptors
        # for each: one of the peer's process.
        wait_until(lambda: self.daemon.count_fds() < before + 2 * CONNECTIONS_MAX + 8, "the excess is closed")
        for s in idle:
            s.close()
        peer.close()
        wait_until(lambda: self.daemon.count_fds() <= before, "all connections are closed")

    def test_removed_at_the_end(self):
        self.assertEqual(self.daemon.stop(), 0)
        self.assertFalse(self.path.exists())


class HookBySocket(test_ctl.Hook):
    """The same as by the bus."""

    ctl_uid = 0
    test_polkit_that_does_not_answer = None  # root is not put to polkit
    test_session = None  # root's libvirt is the system's

    def setUp(self):
        super().setUp()
        self.extra_environment = {"PASIDD_HOOK_SOCKET": str(self.root.path / "run/pasidd/hook")}

    def test_uses_the_socket(self):
        self.start()
        self.bus.stop()
        self.assertEqual(self.hook("web", "prepare", "begin", "-"), (OK, ""))
        self.bus.start()
        wait_until(self.is_on_the_bus, "the daemon comes back to the bus")
        self.assertEqual(self.source(WEB), (4, "metadata"))

    def is_on_the_bus(self):
        try:
            self.client = self.connect()
            return self.vm_names() == ["web"]
        except (BusError, OSError):
            return False

    def test_falls_back_to_the_bus(self):
        """Without the socket, with one that nobody listens on, and when the daemon hangs up."""
        self.start()
        path = self.root.path / "run/pasidd/hook"
        path.unlink()
        self.assertEqual(self.hook("web", "prepare", "begin", "-"), (OK, ""))
        self.assertEqual(self.source(WEB), (4, "metadata"))
        self.assertEqual(self.hook("web", "release", "end", "-"), (OK, ""))
        self.assertEqual(self.list_vms(), [])

        for listens in (False, True):
            with self.subTest(listens=listens), socket.socket(socket.AF_UNIX) as dead:
                dead.bind(str(path))
                if listens:
                    dead.listen()
                    threading.Thread(target=self.hang_up, args=(dead,)).start()
                self.assertEqual(self.hook("web", "prepare", "begin", "-"), (OK, ""))
                self.assertEqual(self.source(WEB), (4, "metadata"))
                self.assertEqual(self.hook("web", "release", "end", "-"), (OK, ""))
                path.unlink()

    @staticmethod
    def hang_up(listening):
        for _ in range(2):
            listening.accept()[0].close()


if __name__ == "__main__":
    main()
