# SPDX-License-Identifier: LGPL-2.1-or-later
"""The expected state of VMs, slices and the host, according to pasidd.conf(5) and docs/ARCHITECTURE.md. No I/O.

The model follows the changes of the world and the answered calls, and has the state that is expected when the daemon is
at rest. It implements the documents, independently of the daemon's code.
"""

import math
from dataclasses import dataclass, field

N_GUESTS = 6
RULED = ("vm0", "vm1")
TENANT = "tenant.slice"


@dataclass
class Machine:
    """A machine that is registered with machined, or would be if machined ran."""

    name: str
    unit: str
    cgroup: str
    pid: int
    usec: int
    cgroup_exists: bool = True
    shared: bool = False  # the unit has other machines as well
    users: bool = False  # registered by a user: not a VM
    sets: list = field(default_factory=list)


@dataclass
class Guest:
    """A libvirt domain: off, announced, or running as one or more machines."""

    uuid: str
    name: str
    number: int
    machines: list = field(default_factory=list)
    told: int | None = None  # quota in the metadata announced for this run
    announced: bool = False
    fresh: bool = False  # an announced start that the daemon has possibly not seen yet
    ended_unseen: int | None = None  # quota announced for a run whose end the daemon does not see
    next: int | None = None  # quota in the metadata announced for the next run

    @property
    def machine(self):
        """The youngest is the VM."""
        own = [m for m in self.machines if not m.users]
        return max(own, key=lambda m: m.usec) if own else None


@dataclass
class Unit:
    """A QEMU that systemd runs without machined. It is a VM while it has a set."""

    name: str
    invocation: str
    cgroup: str
    pid: int
    sets: list = field(default_factory=list)


@dataclass
class Config:
    default: int = 100
    rule: int = 70
    watermark: int = 0  # percent
    foreign: str = "revert"
    slice_limit: int | None = 5000

    def text(self):
        limit = "" if self.slice_limit is None else f"[Slice {TENANT}]\nLimit={self.slice_limit}\n"
        return (
            f"[Manager]\nDefaultQuota={self.default}\nDefaultWatermark={self.watermark}%\n"
            f"ForeignChanges={self.foreign}\nSlices=machine.slice {TENANT}\nReservationTimeoutSec=86400\n"
            f"[Rule first]\nMatchName=vm[01]\nQuota={self.rule}\n{limit}"
        )


@dataclass
class Layers:
    """The overrides in /run and /var; None: no override."""

    runtime: int | None = None
    persistent: int | None = None

    def set(self, value, runtime):
        if runtime:
            self.runtime = value
        else:
            # Otherwise the value that was just set would not be in force.
            self.runtime, self.persistent = None, value

    def reset(self, runtime_only):
        self.runtime = None
        if not runtime_only:
            self.persistent = None

    def resolve(self):
        """(value, source), or None."""
        if self.runtime is not None:
            return self.runtime, "runtime"
        if self.persistent is not None:
            return self.persistent, "persistent"
        return None


@dataclass
class ExpectedVM:
    name: str
    state: str
    quota: int
    source: str
    watermark: int
    cgroup: str | None  # None: not checked
    limited: bool  # misc.max of the cgroup must be the quota
    sets: dict  # id: cgroup


class Model:
    def __init__(self):
        self.config = Config()
        self.guests = [Guest(f"99999999-0000-4000-8000-{n + 1:012}", f"vm{n}", n) for n in range(N_GUESTS)]
        self.units = {}
        self.overrides = {}  # by UUID, or by the unit's name
        self.default = Layers()
        self.slice = Layers()
        self.tenant_exists = True
        self.unseen = False

    def override(self, key):
        return self.overrides.setdefault(key, Layers())

    def default_quota(self):
        return self.default.resolve() or (self.config.default, "config")

    def slice_limit(self):
        """Limit of the tenant's slice; "max" if none is configured."""
        found = self.slice.resolve()
        if found:
            return found[0]
        return "max" if self.config.slice_limit is None else self.config.slice_limit

    def quota(self, key, name, told):
        """The first of: runtime override, persistent override, the domain's metadata, rules, the default."""
        found = self.override(key).resolve()
        if found:
            return found
        if told is not None:
            return told, "metadata"
        if name in RULED:
            return self.config.rule, "rule"
        return self.default_quota()[0], "default"

    def watermark(self, quota):
        return math.ceil(quota * self.config.watermark / 100)

    def expected_guest(self, guest):
        machine = guest.machine
        if not machine and not guest.announced:
            return None
        told = guest.told if machine else guest.next
        quota, source = self.quota(guest.uuid, guest.name, told)
        return ExpectedVM(
            guest.name,
            "running" if machine else "reserved",
            quota,
            source,
            self.watermark(quota),
            (machine.cgroup if machine.cgroup_exists else None) if machine else "",
            bool(machine and machine.cgroup_exists and not machine.shared),
            {s: machine.cgroup for s in machine.sets} if machine else {},
        )

    def expected_unit(self, unit):
        if not unit.sets:
            return None
        quota, source = self.quota(unit.name, unit.name, None)
        return ExpectedVM(
            unit.name, "running", quota, source, self.watermark(quota), unit.cgroup, True, {s: unit.cgroup for s in unit.sets}
        )

    def expected(self):
        """The expected VMs by UUID."""
        vms = {g.uuid: self.expected_guest(g) for g in self.guests}
        vms.update({u.invocation: self.expected_unit(u) for u in self.units.values()})
        return {uuid: vm for uuid, vm in vms.items() if vm}

    # What happens.

    def machine_starts(self, guest, machine):
        # If a start was announced, a second machine of the domain is this start. For the daemon, a run that replaces
        # another one unseen keeps the announcement, unless a start was announced.
        if not machine.users and (guest.announced or not guest.machine):
            told = guest.next if guest.announced else guest.ended_unseen
            guest.told, guest.fresh, guest.announced, guest.next = told, guest.announced, False, None
        guest.machines.append(machine)

    def machine_ends(self, guest, machine):
        guest.machines.remove(machine)
        if not guest.machine:
            guest.ended_unseen = guest.told if self.unseen else None
            guest.told = None

    def seen_again(self):
        self.unseen = False
        for guest in self.guests:
            guest.ended_unseen = None

    def reserved(self, guest, quota):
        guest.announced, guest.next = True, quota

    def released(self, guest):
        guest.announced, guest.next = False, None
