#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The random world, and the invariants that are checked whenever it rests.

SEED=N repeats the actions of a run; STEPS=N or SECONDS=N set its length (default: a minute). WORLD_OFF= disables groups of
actions, separated by commas: "sharing" (machines that share a unit), "forged" (signals of a wrong sender), "next"
(announcements of a VM's next start while it runs), "unseen" (objects that begin and end while machined or the daemon is
away).
"""

import collections
import os
import random
import time

import world_check
from minibus import wait_until
from testenv import *
from world_actions import Actions
from world_model import Model

STEPS = int(os.environ["STEPS"]) if "STEPS" in os.environ else None
SECONDS = float(os.environ.get("SECONDS", "60"))
LAST_ACTIONS = 40
LOG_LINES = 60
# Beyond what the first rest had. The sanitizer keeps what was freed, up to 256 MiB.
MEMORY_GROWTH = (512 if "ASAN_OPTIONS" in os.environ else 32) << 20
# What stays open whatever there is, and what each VM, set and unit may have open.
FDS_FIXED, FDS_EACH = 48, 4


class World(BusTest, Actions):
    def setUp(self):
        self.model = Model()
        self.config = self.model.config.text()
        self.seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
        self.random = random.Random(self.seed)
        # A kernel that also limits what is attached through iommufd, or one that does not: a world has either.
        self.counts_attached = self.random.random() < 0.5
        super().setUp()
        self.off = set(filter(None, os.environ.get("WORLD_OFF", "").split(",")))
        self.history = collections.deque(maxlen=LAST_ACTIONS)
        self.next_set = self.usec = self.rests = 0
        self.foreign_left = False
        self.memory = None
        self.root.cgroup("/tenant.slice")
        self.admin = self.connect(0 if IS_ROOT else None)
        self.stranger = self.connect()
        self.actions = sorted(n.removeprefix("do_") for n in dir(Actions) if n.startswith("do_"))
        self.start_daemon()

    # What actions need.

    def start_daemon(self):
        self.daemon.spawn("--log-level=debug")
        self.daemon.wait_notify("READY=1", timeout=120)
        # READY=1 may be the last word of the one before; the bus has forgotten that one.
        self.wait_name()
        self.memory = None

    def wait_name(self):
        wait_until(lambda: self.admin.call_driver("NameHasOwner", "s", (BUS_NAME,))[0], "pasidd is on the bus", timeout=120)

    def connect_all(self):
        self.machined.start()
        self.polkit = Polkit(self.bus)
        self.systemd.__dict__.update(Systemd(self.bus).__dict__ | {"invocations": self.systemd.invocations})
        self.systemd.connection.handle(PROPERTIES, "Get", self.systemd.get)
        self.systemd.connection.handle(Systemd.NAME + ".Manager", "Subscribe", self.systemd.subscribe)
        self.addCleanup(self.polkit.stop)
        self.admin = self.connect(0 if IS_ROOT else None)
        self.client = self.stranger = self.connect()
        self.wait_name()

    def ask(self, path, interface, member, signature="", *args, client=None):
        c, guard = client or self.admin, world_check.hang_guard(self.admin)
        while True:
            try:
                return c.call(BUS_NAME, path, interface, member, signature, args, timeout=guard)
            except BusError as e:
                # A VM that came or went while polkit was asked: the daemon says so, and nothing has changed.
                if e.name != ACCESS_DENIED or not e.message.endswith("Try again."):
                    raise

    # The life of the world.

    def act(self, step):
        weights = [self.WEIGHTS.get(name, 4) for name in self.actions]
        (name,) = self.random.choices(self.actions, weights)
        self.history.append(f"{step}: {name} …")
        told = getattr(self, f"do_{name}")()
        if told is None:
            self.history.pop()
        else:
            self.history[-1] = f"{step}: {name} {told}"

    def rest(self, why):
        """Waits until everything is as it should be, which has to come about by itself."""
        guard = 2 * world_check.hang_guard(self.admin)
        if self.foreign_left:
            # What is reported only is left to whoever asks for it; of a watermark nobody hears.
            self.admin.call(BUS_NAME, MANAGER_PATH, MANAGER, "Reconcile", timeout=guard)
            self.foreign_left = False
        end = time.monotonic() + guard
        while found := world_check.differences(self.root, self.model, self.admin, guard):
            if time.monotonic() > end:
                self.fail(f"{why}: not as it should be after {guard:.0f} s:\n  " + "\n  ".join(found))
            time.sleep(0.01)
        for guest in self.model.guests:
            guest.fresh = False
        self.rests += 1

    def check(self, step):
        self.rest(f"at step {step}")
        guard, pid = world_check.hang_guard(self.admin), self.daemon.process.pid
        self.assertEqual(self.admin.call(BUS_NAME, MANAGER_PATH, MANAGER, "Reconcile", timeout=guard)[0], [], "it converges")
        self.assertLess(world_check.answer_cost(self.admin, pid, guard), world_check.ANSWER_CPU_SECONDS)
        things = sum(1 + len(vm.sets) for vm in self.model.expected().values())
        self.assertLess(self.daemon.count_fds(), FDS_FIXED + FDS_EACH * things)
        memory = world_check.resident_bytes(pid)
        self.memory = self.memory or memory
        self.assertLess(memory - self.memory, MEMORY_GROWTH)

    def tell(self, step):
        """Everything that somebody needs who looks into a failure."""
        process = self.daemon.process
        state = "not running" if process is None or process.poll() is not None else f"running, {world_check.cpu_seconds(process.pid):.1f} s of CPU"
        lines = [f"SEED={self.seed} STEPS={step + 1}, after {self.rests} rests; pasidd is {state}", "last actions:"]
        lines += [f"  {line}" for line in self.history]
        lines += ["pasidd's log:", *(f"  {line}" for line in self.daemon.output[-LOG_LINES:])]
        return "\n".join(lines)

    def end_daemon(self):
        """One that does not end when it is told to must not outlive the test, nor hide what was found before."""
        if self.daemon.process and self.failed:
            self.daemon.kill()
        else:
            super().end_daemon()

    failed = False

    def test_world(self):
        print(f"# SEED={self.seed}", flush=True)
        end, step, until_rest = time.monotonic() + SECONDS, 0, self.random.randrange(1, 20)
        try:
            while step < STEPS if STEPS is not None else time.monotonic() < end:
                self.act(step)
                until_rest -= 1
                if until_rest <= 0:
                    self.check(step)
                    until_rest = self.random.randrange(1, 20)
                step += 1
            self.check(step)
        except Exception as e:
            self.failed = True
            what = f"{type(e).__name__}: {e}"
            # Once more at the end, which is what meson shows of a long log.
            raise AssertionError(f"{what}\n{self.tell(step)}\nSEED={self.seed} STEPS={step + 1}: {what}") from e
        print(f"# {step} actions, {self.rests} rests", flush=True)


if __name__ == "__main__":
    main()
