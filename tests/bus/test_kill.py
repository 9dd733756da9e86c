#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL at any moment: a restart converges to the configuration and the saved overrides.

While others change quotas, machines start and stop and sets come and go, the daemon is killed at random moments and
started again; after each start, kernel, bus and state files have to agree. KILLS=N sets how often, KILL_SEED=N repeats
a run.
"""

import os
import random

from minibus import wait_until
from testenv import *

KILLS = int(os.environ.get("KILLS", "60"))
N_VMS = 6
KEPT = N_VMS


class Kill(BusTest):
    config = """[Manager]
DefaultQuota=100
ReservationTimeoutSec=86400
[Rule odd]
MatchNovaFlavor=odd
Quota=70
Watermark=50%
[Slice tenant.slice]
Limit=500
"""

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(10**6)))
        self.random = random.Random(self.seed)
        self.root.cgroup("/tenant.slice")
        self.uuids = [f"99999999-0000-4000-8000-{n + 1:012}" for n in range(N_VMS + 1)]
        self.running = {}  # number: set id
        self.cgroups = {}
        self.confirmed = None  # the last quota of the machine that nobody else touches, KEPT
        self.next_set = 1

    def mend(self):
        """Here a write is two steps, the first of which empties the file; in the kernel it is one."""
        for path in [
            *self.root.path.glob("sys/class/vfio_pasid/set*/quota"),
            *self.root.path.glob("sys/class/vfio_pasid/set*/watermark"),
            self.root.path / "sys/module/vfio_pasid/parameters/default_quota",
        ]:
            if not path.read_text():
                self.root.write(path.relative_to(self.root.path), "1\n")
        for path in self.root.path.glob("sys/fs/cgroup/**/misc.max"):
            if not path.read_text():
                self.root.write(path.relative_to(self.root.path), "pasid 1\n")

    # The load: calls whose answers nobody waits for, and a world that changes.

    def send(self, path, interface, member, signature="", *args):
        self.client.send(BUS_NAME, path, interface, member, signature, args)

    def start_machine(self, number):
        name = f"vm{number}"
        self.cgroups[number] = self.add_machine(name, self.uuids[number], number, sets=[self.next_set])
        self.running[number] = self.next_set
        self.next_set += 1

    def stop_machine(self, number):
        self.root.remove_set(self.running.pop(number))
        self.root.remove_cgroup(self.cgroups.pop(number))
        shutil.rmtree(self.root.path / f"proc/{1000 + number}")
        self.machined.remove(f"qemu-{number}-vm{number}")

    def act(self):
        number = self.random.randrange(N_VMS)
        uuid = self.uuids[number]
        quota = self.random.randrange(1, 1000)
        pairs = ("a(ss)", [("nova:flavor", self.random.choice(["odd", "even"]))])
        match self.random.randrange(8):
            case 0:
                self.send(vm_path(uuid), VM, "SetQuota", "ua{sv}", quota, {})
            case 1:
                self.send(vm_path(uuid), VM, "SetQuota", "ua{sv}", quota, {"runtime": ("b", True)})
            case 2:
                self.send(vm_path(uuid), VM, "ResetQuota", "a{sv}", {})
            case 3:
                options = {"metadata": pairs, "reconnect": ("b", number in self.running)}
                self.send(MANAGER_PATH, MANAGER, "Reserve", "ssa{sv}", uuid, f"vm{number}", options)
            case 4:
                self.send(MANAGER_PATH, MANAGER, "SetDefaultQuota", "ua{sv}", quota, {})
            case 5:
                self.send(MANAGER_PATH, MANAGER, "SetSliceQuota", "sua{sv}", "tenant.slice", quota, {})
            case 6:
                if number in self.running:
                    self.stop_machine(number)
                else:
                    self.start_machine(number)
            case 7:
                for set_id in self.running.values():
                    self.root.write(f"sys/class/vfio_pasid/set{set_id}/allocated", f"{quota}\n")

    # What must hold after a start.

    def expected(self, number):
        """Quota and source, worked out from the files by the rules of the book."""
        uuid = self.uuids[number]
        runtime, persistent = self.root.state(RUNTIME_STATE), self.root.state(PERSISTENT_STATE)
        for state, source in ((runtime, "runtime"), (persistent, "persistent")):
            override = state["vms"].get(uuid, {}).get("override", {})
            if "quota" in override:
                return override["quota"], source
        if ["nova:flavor", "odd"] in runtime["vms"].get(uuid, {}).get("domain", []):
            return 70, "rule"
        return persistent.get("default-quota", 100), "default"

    def check(self):
        persistent = self.root.state(PERSISTENT_STATE)
        wait_until(
            lambda: {u for u, _, _ in self.list_vms()} >= {self.uuids[n] for n in self.running}, "machines are known"
        )
        for number, set_id in self.running.items():
            quota, source = self.expected(number)
            self.assertEqual(self.source(self.uuids[number]), (quota, source))
            self.wait_quota(set_id, quota)
            self.wait_limit(self.cgroups[number], quota)
            self.wait_get(self.uuids[number], "QuotaInForce", True)
        # What was answered is never lost.
        self.assertEqual(self.source(self.uuids[KEPT]), (self.confirmed, "persistent"))
        self.assertEqual(self.root.default_quota(), persistent.get("default-quota", 100))
        limit = persistent.get("slices", {}).get("tenant.slice", {}).get("limit", 500)
        self.wait_limit("/tenant.slice", limit)
        # Those that are announced, and only those, are there besides.
        runtime = self.root.state(RUNTIME_STATE)["vms"]
        reserved = {u for u, e in runtime.items() if e.get("reserved")}
        self.assertEqual(
            {u for u, _, _ in self.list_vms()}, reserved | {self.uuids[n] for n in self.running}
        )
        for directory in ("run/pasidd", "var/lib/pasidd"):
            names = {p.name for p in (self.root.path / directory).iterdir()}
            self.assertFalse({n for n in names if "corrupt" in n})

    def test_killed(self):
        print(f"# KILL_SEED={self.seed} KILLS={KILLS}")
        for number in (0, 1, 2, KEPT):
            self.start_machine(number)
        self.start()
        for turn in range(KILLS):
            with self.subTest(turn=turn, seed=self.seed):
                self.confirmed = self.random.randrange(1, 1000)
                self.set_quota(self.uuids[KEPT], self.confirmed)
                for _ in range(self.random.randrange(12)):
                    self.act()
                # Up to about the time that all of it takes, and now and then once more before it is ready again.
                time.sleep(self.random.random() * 0.02)
                self.daemon.kill()
                self.mend()
                if self.random.random() < 0.2:
                    self.daemon.spawn("--log-level=debug")
                    time.sleep(self.random.random() * 0.05)
                    self.daemon.kill()
                    self.mend()
                self.start()
                self.check()


if __name__ == "__main__":
    main()
