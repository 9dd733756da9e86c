# SPDX-License-Identifier: LGPL-2.1-or-later
"""The actions of the random world. Each action changes the world and the model.

The choices of an action depend on the seed and on earlier actions, never on the daemon's answers, so that a seed
reproduces the actions. The runner finds actions by their name: each method do_* is an action.
"""

import shutil
import signal

from minibus import NO_REPLY_EXPECTED, SIGNAL, BusError, DESTINATION, INTERFACE, MEMBER, PATH
from testenv import *
from world_model import TENANT, Config, Machine, Unit

NONE = 2**32 - 1


class Actions:
    """A mixin of the test case, which has root, bus, machined, systemd, daemon, model and random."""

    # Weights of the actions; the default is 4.
    WEIGHTS = {
        "start_machine": 16,
        "end_machine": 10,
        "start_unit": 6,
        "end_unit": 4,
        "add_set": 8,
        "set_quota": 10,
        "restart_bus": 1,
        "kill_daemon": 2,
        "overflow": 1,
        "flood": 2,
        "forge": 8,
    }

    # Machines.

    def new_machine(self, guest, slice_name, unit=None, cgroup_first=True, scope=True):
        self.usec += 1
        number = self.usec
        name = f"qemu-{number}-{guest.name}"
        unit = unit or (f"machine-{unit_escape(name)}.scope" if scope else f"qemu-{number}.service")
        machine = Machine(name, unit, f"/{slice_name}/{unit}", 10000 + number, number)
        if not cgroup_first:
            self.root.process(machine.pid, "/system.slice/libvirtd.service")
            self.machined.add(name, guest.uuid, unit, machine.pid, usec=number)
        if not self.root.exists(f"sys/fs/cgroup{machine.cgroup}"):
            self.root.cgroup(machine.cgroup)
        self.move_process(machine.pid, f"{machine.cgroup}/libvirt/emulator")
        if cgroup_first:
            self.machined.add(name, guest.uuid, unit, machine.pid, usec=number)
        self.model.machine_starts(guest, machine)
        return machine

    def move_process(self, pid, cgroup):
        if self.root.exists(f"proc/{pid}"):
            self.root.write(f"proc/{pid}/cgroup", f"0::{cgroup}\n")
        else:
            self.root.process(pid, cgroup)

    def slice_name(self):
        return self.random.choice(["machine.slice", TENANT] if self.model.tenant_exists else ["machine.slice"])

    def put_set(self, owner):
        self.next_set += 1
        self.root.add_set(self.next_set, owner.pid, owner.cgroup)
        owner.sets.append(self.next_set)

    def drop_sets(self, owner):
        for set_id in owner.sets:
            self.root.remove_set(set_id)
        owner.sets.clear()

    def drop_process(self, pid):
        shutil.rmtree(self.root.path / f"proc/{pid}")

    def pick_running(self):
        return self.pick([g for g in self.model.guests if g.machine])

    def pick(self, choices):
        return self.random.choice(choices) if choices else None

    def do_start_machine(self):
        guest = self.pick([g for g in self.model.guests if not g.machines])
        if not guest:
            return None
        slice_name, first = self.slice_name(), self.random.random() < 0.5
        scope, sets = self.random.random() < 0.8, self.random.randrange(3)
        machine = self.new_machine(guest, slice_name, cgroup_first=first, scope=scope)
        for _ in range(sets):
            self.put_set(machine)
        return f"{guest.name} as {machine.name} in {machine.cgroup}, cgroup {'first' if first else 'last'}, sets {machine.sets}"

    def do_end_machine(self):
        guest = self.pick_running()
        if not guest:
            return None
        machine, scope_first = self.pick(guest.machines), self.random.random() < 0.5
        self.end_machine_of(guest, machine, scope_first)
        return f"{machine.name}, {'scope' if scope_first else 'machine'} first"

    def end_machine_of(self, guest, machine, scope_first=True):
        # A start that the daemon does not see uses no reservation.
        if guest.fresh:
            self.rest("before the end of a machine that was announced")
        self.drop_sets(machine)
        shared = any(m is not machine and m.cgroup == machine.cgroup for g in self.model.guests for m in g.machines)
        removed = not shared and machine.cgroup_exists
        if scope_first and removed:
            self.root.remove_cgroup(machine.cgroup)
        self.machined.remove(machine.name)
        if not scope_first and removed:
            self.root.remove_cgroup(machine.cgroup)
        self.drop_process(machine.pid)
        self.model.machine_ends(guest, machine)

    def do_restart_machine(self):
        """The UUID is started again at once."""
        guest = self.pick_running()
        if not guest or len(guest.machines) > 1:
            return None
        old = guest.machine
        self.end_machine_of(guest, old, self.random.random() < 0.5)
        new = self.new_machine(guest, self.slice_name(), cgroup_first=self.random.random() < 0.5)
        self.put_set(new)
        return f"{old.name} is {new.name} now, sets {new.sets}"

    def do_second_machine(self):
        """A second machine of one UUID: the scope of the last run lingers, or another libvirt runs a copy."""
        guest = self.pick([g for g in self.model.guests if len(g.machines) == 1 and not g.machine.shared])
        if not guest:
            return None
        self.drop_sets(guest.machine)
        machine = self.new_machine(guest, self.slice_name())
        self.put_set(machine)
        return f"{machine.name} beside {guest.machines[0].name}"

    def do_share_unit(self):
        """Two machines in one unit (SubCgroup of systemd 258)."""
        if "sharing" in self.off:
            return None
        off = [g for g in self.model.guests if not g.machines]
        if len(off) < 2:
            return None
        guests, unit = self.random.sample(off, 2), f"shared-{self.usec}.service"
        for guest in guests:
            machine = self.new_machine(guest, "machine.slice", unit=unit)
            machine.shared = True
            self.put_set(machine)
        return f"{guests[0].name} and {guests[1].name} in {unit}"

    # Plain units and sets.

    def do_start_unit(self):
        if len(self.model.units) >= 4:
            return None
        self.usec += 1
        name, slice_name = f"kvm{self.usec}.service", self.slice_name()
        invocation = f"12345678-0000-4000-8000-{self.usec:012}"
        unit = Unit(name, invocation, f"/{slice_name}/{name}", 10000 + self.usec)
        self.systemd.invocations[name] = invocation
        self.root.cgroup(unit.cgroup)
        self.root.process(unit.pid, unit.cgroup)
        self.model.units[name] = unit
        self.put_set(unit)
        return f"{unit.cgroup}, sets {unit.sets}"

    def do_end_unit(self):
        unit = self.pick(list(self.model.units.values()))
        if not unit:
            return None
        self.drop_sets(unit)
        self.root.remove_cgroup(unit.cgroup)
        self.drop_process(unit.pid)
        del self.model.units[unit.name]
        return unit.name

    def owners(self):
        return [g.machine for g in self.model.guests if len(g.machines) == 1] + list(self.model.units.values())

    def do_add_set(self):
        owner = self.pick(self.owners())
        if not owner or len(owner.sets) > 4:
            return None
        self.put_set(owner)
        return f"{owner.sets[-1]} of {owner.cgroup}"

    def do_remove_set(self):
        # A unit is a VM for as long as it has a set.
        owner = self.pick([o for o in self.owners() if len(o.sets) > 1])
        if not owner:
            return None
        set_id = owner.sets.pop(self.random.randrange(len(owner.sets)))
        self.root.remove_set(set_id)
        return str(set_id)

    def do_refuse(self):
        owner = self.pick([o for o in self.owners() if o.sets])
        if not owner:
            return None
        set_id = self.pick(owner.sets)
        self.root.set_attribute(set_id, "allocated", self.random.randrange(100))
        self.root.set_attribute(set_id, "denied", self.root.set_value(set_id, "denied") + 1)
        return f"by set {set_id}"

    # Foreign changes.

    def do_foreign_write(self):
        """With "report" a foreign value remains until the desired value is requested; see do_reload and rest()."""
        owner = self.pick([o for o in self.owners() if not getattr(o, "shared", False)])
        number, kind = self.random.randrange(2000, 3000), self.random.randrange(4)
        if not owner:
            return None
        if self.model.config.foreign == "adopt":
            return self.adopt(owner, number, kind)
        if kind == 0 and owner.sets:
            self.root.overwrite(f"sys/class/vfio_pasid/set{owner.sets[0]}/quota", f"{number}\n")
        elif kind == 1:
            self.root.overwrite("sys/module/vfio_pasid/parameters/default_quota", f"{number}\n")
        elif kind == 2 and self.model.tenant_exists and self.model.slice_limit() != "max":
            self.root.overwrite("sys/fs/cgroup/tenant.slice/misc.max", f"{self.limit_key()} {number}\n")
        elif kind == 3 and owner.sets:
            self.root.overwrite(f"sys/class/vfio_pasid/set{owner.sets[0]}/watermark", f"{number}\n")
        else:
            self.root.overwrite(f"sys/fs/cgroup{owner.cgroup}/misc.max", f"{self.limit_key()} {number}\n")
        # A change of a watermark causes no event, and with "report" it remains: only a reconcile restores it.
        self.foreign_left = True
        return f"{owner.cgroup}, kind {kind}, {number}"

    def limit_key(self):
        """A line of misc.max: a foreign change of either line is handled the same."""
        return self.random.choice(["pasid", "pasid_attach"] if self.counts_attached else ["pasid"])

    def adopt(self, owner, number, kind):
        """Only for values in force; before that, a different value is a failure, not a foreign change."""
        self.rest("before somebody's change is adopted")
        guests = [g for g in self.model.guests if g.machine is owner]
        key = guests[0].uuid if guests else owner.name
        if kind % 2 and owner.sets:
            self.root.overwrite(f"sys/class/vfio_pasid/set{owner.sets[0]}/quota", f"{number}\n")
        else:
            self.root.overwrite(f"sys/fs/cgroup{owner.cgroup}/misc.max", f"{self.limit_key()} {number}\n")
        self.model.override(key).runtime = number
        self.rest("after somebody's change was adopted")
        return f"{owner.cgroup} adopts {number}"

    # Configuration.

    def do_reload(self):
        good = self.random.random() < 0.7
        config = Config(
            self.random.randrange(1, 1000),
            self.random.randrange(1, 1000),
            self.random.choice([0, 50, 80]),
            self.random.choice(["revert", "revert", "adopt", "report"]),
            self.random.choice([None, self.random.randrange(1000, 5000)]),
        )
        # An earlier foreign value must not be adopted under the next policy.
        self.rest("before a reload")
        self.root.config(config.text() + ("" if good else "Nonsense=1\n"))
        if not good:
            with self.assertRaises(BusError):
                self.ask(MANAGER_PATH, MANAGER, "Reload")
            self.root.config(self.model.config.text())
            return "rejected"
        self.ask(MANAGER_PATH, MANAGER, "Reload")
        self.model.config = config
        return str(config)

    def do_hup_storm(self):
        for _ in range(self.random.randrange(1, 50)):
            self.daemon.process.send_signal(signal.SIGHUP)
        return ""

    # Calls.

    def do_set_quota(self):
        guest, quota = self.pick(self.model.guests), self.random.randrange(1, 1000)
        runtime = self.random.random() < 0.5
        values = self.options({"quota": quota})
        layer = "runtime" if runtime else "persistent"
        if self.random.random() < 0.5 or not guest.machine:
            self.ask(MANAGER_PATH, MANAGER, "SetOverride", "ssssa{sv}a{sv}", layer, "vm", guest.uuid, guest.name, values, {})
            layers = self.model.override(guest.uuid)
            if runtime:
                layers.runtime = quota
            else:
                layers.persistent = quota
            return f"SetOverride {layer} {guest.name} {quota}"
        self.rest("before SetQuota")
        self.ask(vm_path(guest.uuid), VM, "SetQuota", "ua{sv}", quota, self.options({"runtime": runtime}))
        self.model.override(guest.uuid).set(quota, runtime)
        return f"{guest.name} {quota} {layer}"

    def do_set_overrides(self):
        layer, rows = self.random.choice(["runtime", "persistent"]), []
        for guest in list(self.model.guests)[: self.random.randrange(1, 6)]:
            rows.append((layer, "vm", guest.uuid, guest.name, {"quota": ("u", self.random.randrange(1, 1000))}))
            setattr(self.model.override(guest.uuid), layer, rows[-1][4]["quota"][1])
        self.ask(MANAGER_PATH, MANAGER, "SetOverrides", "a(ssssa{sv})a{sv}", rows, {})
        return f"{layer} {len(rows)}"

    def do_reset_quota(self):
        guest, runtime = self.pick_running(), self.random.random() < 0.5
        if not guest:
            return None
        self.rest("before ResetQuota")
        self.ask(vm_path(guest.uuid), VM, "ResetQuota", "a{sv}", self.options({"runtime": runtime}))
        self.model.override(guest.uuid).reset(runtime)
        return f"{guest.name} runtime={runtime}"

    def do_set_default(self):
        quota, runtime = self.random.randrange(1, 1000), self.random.random() < 0.5
        if self.random.random() < 0.3:
            self.ask(MANAGER_PATH, MANAGER, "ResetDefaultQuota", "a{sv}", {})
            self.model.default.reset(False)
            return "reset"
        self.ask(MANAGER_PATH, MANAGER, "SetDefaultQuota", "ua{sv}", quota, self.options({"runtime": runtime}))
        self.model.default.set(quota, runtime)
        return f"{quota} runtime={runtime}"

    def do_set_slice(self):
        quota, runtime = self.random.randrange(1000, 5000), self.random.random() < 0.5
        if self.random.random() < 0.3:
            self.ask(MANAGER_PATH, MANAGER, "ResetSliceQuota", "sa{sv}", TENANT, {})
            self.model.slice.reset(False)
            return "reset"
        self.ask(MANAGER_PATH, MANAGER, "SetSliceQuota", "sua{sv}", TENANT, quota, self.options({"runtime": runtime}))
        self.model.slice.set(quota, runtime)
        return f"{quota} runtime={runtime}"

    def do_reserve(self):
        guest = self.pick([g for g in self.model.guests if "next" not in self.off or not g.machine])
        quota = self.random.choice([None, self.random.randrange(1, 1000)])
        if not guest:
            return None
        # An announcement before the start is seen applies to this start.
        self.rest("before Reserve")
        options = {} if quota is None else {"quota": quota}
        self.ask(MANAGER_PATH, MANAGER, "Reserve", "ssa{sv}", guest.uuid, guest.name, self.options(options))
        self.model.reserved(guest, quota)
        return f"{guest.name} {quota}"

    def do_release(self):
        guest = self.pick(self.model.guests)
        self.rest("before Release")
        self.ask(MANAGER_PATH, MANAGER, "Release", "s", guest.uuid)
        self.model.released(guest)
        return guest.name

    def do_call_as_nobody(self):
        """polkit denies the call, and nothing changes."""
        guest = self.pick_running()
        if not IS_ROOT:
            return None
        self.polkit.mode = "no"
        calls = [
            (MANAGER_PATH, MANAGER, "SetDefaultQuota", "ua{sv}", 1, {}),
            (MANAGER_PATH, MANAGER, "SetSliceQuota", "sua{sv}", TENANT, 1, {}),
            (MANAGER_PATH, MANAGER, "Reserve", "ssa{sv}", self.model.guests[0].uuid, "x", {}),
            (MANAGER_PATH, MANAGER, "Release", "s", self.model.guests[0].uuid),
            (MANAGER_PATH, MANAGER, "Reload", ""),
        ]
        call = self.pick(calls)
        with self.assertRaises(BusError) as context:
            self.ask(*call, client=self.stranger)
        self.assertEqual(context.exception.name, ACCESS_DENIED)
        self.polkit.mode = "yes"
        return call[2]

    def do_flood(self):
        for _ in range(self.random.randrange(1, 200)):
            self.stranger.send(
                BUS_NAME, MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", flags=NO_REPLY_EXPECTED
            )
        return ""

    # Forged signals.

    def do_forge(self):
        if "forged" in self.off:
            return None
        guest = self.pick(self.model.guests)
        machine = guest.machine
        name = machine.name if machine else f"qemu-1-{guest.name}"
        manager = "org.freedesktop.machine1.Manager"
        signals = [
            ("/org/freedesktop/machine1", manager, "MachineRemoved", "so", (name, self.machined.path_of(name))),
            ("/org/freedesktop/machine1", manager, "MachineNew", "so", (name, self.machined.path_of("forged"))),
            ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Reloading", "b", (False,)),
            ("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", ("org.freedesktop.machine1", ":1.1", "")),
        ]
        path, interface, member, signature, args = self.pick(signals)
        unicast = self.random.random() < 0.7
        targets = [n for n in self.stranger.call_driver("ListNames")[0] if n.startswith(":")] if unicast else [None]
        for target in targets:
            fields = {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: target}
            self.stranger._send(SIGNAL, fields, signature, args)
        return f"{member} {name} {'to each' if unicast else 'to all'}"

    # Cgroups and neighbours.

    def do_new_tenant(self):
        """systemd removes a slice with its last unit."""
        if any(o.cgroup.startswith(f"/{TENANT}/") for g in self.model.guests for o in g.machines) or any(
            u.cgroup.startswith(f"/{TENANT}/") for u in self.model.units.values()
        ):
            return None
        if self.model.tenant_exists:
            self.root.remove_cgroup(f"/{TENANT}")
        else:
            self.root.cgroup(f"/{TENANT}")
        self.model.tenant_exists = not self.model.tenant_exists
        return "appears" if self.model.tenant_exists else "goes"

    def unseen(self, *actions):
        """Changes that the daemon does not see."""
        if "unseen" in self.off:
            return []
        self.model.unseen = True
        told = [action() for action in actions]
        self.model.seen_again()
        return told

    def do_overflow(self):
        """More changes than fit into an inotify queue while the daemon does not read."""
        self.daemon.process.send_signal(signal.SIGSTOP)
        try:
            limit = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
            directory = self.root.path / "sys/fs/cgroup/machine.slice"
            for i in range(limit // 2 + 100):
                (directory / f"x{i % 7}").mkdir()
                (directory / f"x{i % 7}").rmdir()
            told = "" if "unseen" in self.off else self.do_start_machine()
        finally:
            self.daemon.process.send_signal(signal.SIGCONT)
        return told or ""

    def do_restart_machined(self):
        if "unseen" not in self.off:
            # The daemon never learns of a machine that begins and ends unseen: its reservation would remain.
            self.rest("before machined stops")
        self.machined.stop()
        told = self.unseen(self.do_end_machine, self.do_start_machine)
        self.machined.start()
        if "unseen" not in self.off:
            # Until the list of machines is read, a new run uses the announcement of a run that ended unseen.
            self.rest("machined is back")
        return f"meanwhile: {told}"

    def do_restart_bus(self):
        self.machined.stop()
        self.polkit.stop()
        self.systemd.stop()
        self.bus.stop()
        self.bus.start()
        self.connect_all()
        return ""

    def do_reload_systemd(self):
        self.systemd.reload()
        return ""

    def do_kill_daemon(self):
        # A write has two steps here, and an answered call is saved: rest first, so that no write is incomplete.
        self.rest("before SIGKILL")
        self.daemon.kill()
        told = self.unseen(self.do_end_machine, self.do_start_machine, self.do_add_set)
        self.start_daemon()
        return f"meanwhile: {told}"
