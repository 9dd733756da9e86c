#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cgroups that users and containers name: nobody gets another VM's override, rule, slice or change by a name."""

from minibus import wait_until
from testenv import *

CONTAINER = "/lxc.payload.c1"
USER = "/user.slice/user-1000.slice/user@1000.service"
INVOCATION = "11112222333344445555666677778888"


class Names(BusTest):
    config = "[Manager]\nDefaultQuota=1000\nSlices=machine.slice tenants.slice\n"
    more = ""

    def setUp(self):
        super().setUp()
        self.root.config(self.config + self.more)

    def unit(self, cgroup, set_id, **attributes):
        self.root.cgroup(cgroup)
        self.root.process(2000 + set_id, cgroup)
        self.root.add_set(set_id, 2000 + set_id, cgroup, **attributes)

    def set_override(self, key, quota, layer="persistent"):
        values = {"quota": ("u", quota)} if quota else {}
        return self.manager_call("SetOverride", "ssssa{sv}a{sv}", layer, "vm", key, "", values, {})

    def uuid_in(self, cgroup):
        (uuid,) = (uuid for uuid, _, _ in self.list_vms() if self.get(uuid, "ControlGroup") == cgroup)
        return uuid


class Containers(Names):
    more = """
[Rule helper]
MatchName=helper.service
Quota=7777
[Rule gold]
MatchName=db-*
Quota=4000
[Rule tenants]
MatchSlice=tenants.slice
Quota=3000
[Slice tenants.slice]
Limit=5000
Admission=enforce
"""

    def test_override_of_the_hosts_unit(self):
        self.start()
        self.set_override("unit:nginx.service", 50000)
        name = "lxc.payload.c1/system.slice/nginx.service"
        self.unit(f"/{name}", 1)
        self.wait_vm(name)
        self.assertEqual(self.source(self.uuid_in(f"/{name}")), (1000, "default"))
        self.assertEqual(self.root.quota(1), 1000)

        # The host's own unit starts later. A change is its alone.
        self.add_unit("nginx.service", 2, INVOCATION)
        self.wait_quota(2, 50000)
        self.assertEqual(self.set_override("unit:nginx.service", 60), (True,))
        self.wait_quota(2, 60)
        self.assertEqual(self.root.quota(1), 1000)
        # And the container's is the container's alone.
        self.assertEqual(self.set_override(f"unit:{name}", 70), (True,))
        self.wait_quota(1, 70)
        self.assertEqual(self.root.quota(2), 60)

    def test_override_of_a_user(self):
        """The container has a user 1000, too."""
        self.start()
        self.set_override("unit:user@1000.service/x.scope", 50000)
        self.unit(f"{CONTAINER}{USER}/x.scope", 1)
        self.wait_vm(f"{CONTAINER[1:]}{USER}/x.scope")
        self.assertEqual(self.root.quota(1), 1000)
        self.unit(f"{USER}/app.slice/x.scope", 2)
        self.wait_quota(2, 50000)

    def test_rule(self):
        self.start()
        for i, unit in enumerate(("helper.service", "db-1.service"), 1):
            self.unit(f"{CONTAINER}/system.slice/{unit}", i)
            self.wait_vm(f"{CONTAINER[1:]}/system.slice/{unit}")
            self.assertEqual(self.root.quota(i), 1000)

    def test_slice(self):
        self.root.cgroup("/tenants.slice")
        self.start()
        cgroup = f"{CONTAINER}/tenants.slice/x.service"
        self.unit(cgroup, 1, allocated=3900)
        self.wait_vm(cgroup[1:])
        uuid = self.uuid_in(cgroup)
        self.assertEqual(self.get(uuid, "Slice"), "-.slice")
        self.assertEqual(self.source(uuid), (1000, "default"))
        self.assertEqual(self.reserve(WEB, "web", quota=5000, slice="tenants.slice")[0], 5000)

    def test_slice_in_a_container_that_is_called_so(self):
        self.root.cgroup("/tenants.slice")
        self.start()
        cgroup = "/c1.slice/tenants.slice/x.service"
        self.unit(cgroup, 1)
        self.wait_vm(cgroup[1:])
        self.assertEqual(self.get(self.uuid_in(cgroup), "Slice"), "c1.slice")

    def test_machine(self):
        """The container has a machine registered whose unit is called like one of the host."""
        self.start()
        unit = "machine-qemu\\x2d1\\x2dweb.scope"
        cgroup = f"{CONTAINER}/machine.slice/{unit}"
        self.unit(cgroup, 1)
        self.root.cgroup(f"/machine.slice/{unit}")
        self.machined.add("qemu-1-web", WEB, unit, 2001)
        self.wait_vm(cgroup[1:])
        self.assertTrue(self.get_manager("State"))
        self.assertEqual(self.vm_names(), [cgroup[1:]])

    def test_long_name(self):
        """It has no name by which others could mean it."""
        self.start()
        self.unit(f"{CONTAINER}/{'a' * 200}/{'b' * 60}.service", 1)
        self.wait_vm("set-1")


class Twins(Names):
    """Units of one user that have the same name, and so the same key, in different slices."""

    KEY = "unit:user@1000.service/x.scope"

    def setUp(self):
        super().setUp()
        self.cgroups = [f"{USER}/{slice_name}.slice/x.scope" for slice_name in ("app", "b")]
        self.unit(self.cgroups[0], 1)
        self.start()
        self.wait_vm("user@1000.service/x.scope")
        self.unit(self.cgroups[1], 2)
        wait_until(lambda: self.vm_names() == ["user@1000.service/x.scope"] * 2, "both are there")
        self.uuids = [self.uuid_in(cgroup) for cgroup in self.cgroups]

    def check(self, quota, source):
        for i, uuid in enumerate(self.uuids):
            self.assertEqual(self.root.quota(i + 1), quota)
            self.assertEqual(self.source(uuid), (quota, source))
            self.assertTrue(self.get(uuid, "QuotaInForce"))

    def test_set_quota(self):
        for i, uuid in enumerate(self.uuids):
            self.set_quota(uuid, 3 + i)
            self.check(3 + i, "persistent")
            self.call(vm_path(uuid), VM, "ResetQuota", "a{sv}", ({},))
            self.check(1000, "default")
        self.set_quota(self.uuids[1], 7, runtime=True)
        self.check(7, "runtime")

    def test_set_override(self):
        self.set_override(self.KEY, 3)
        self.check(3, "persistent")
        self.set_override(self.KEY, 4, layer="runtime")
        self.check(4, "runtime")

    def test_undone(self):
        """What one of them does not take, none of them has."""
        self.set_quota(self.uuids[0], 5)
        self.root.block("sys/class/vfio_pasid/set2/quota")
        for uuid in self.uuids:
            self.assert_error("org.pasidd1.Error.NotApplied", None, self.set_quota, uuid, 3)
            self.assertEqual(self.root.quota(1), 5)
            self.assertEqual([self.source(u) for u in self.uuids], [(5, "persistent")] * 2)


class Sessions(Names):
    """The number of a session is another user's after a reboot."""

    INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
    KEY = "unit:session-3.scope"

    def session(self, uid, set_id):
        self.unit(f"/user.slice/user-{uid}.slice/session-3.scope", set_id)
        self.start()
        self.wait_vm("session-3.scope")
        return self.uuid_in(f"/user.slice/user-{uid}.slice/session-3.scope")

    def test_refused(self):
        uuid = self.session(0, 1)
        for call in (
            (self.set_quota, uuid, 50000),
            (self.set_override, self.KEY, 50000),
            (self.set_override, "unit:session-c4.scope", 50000),
        ):
            self.assert_error(self.INVALID_ARGS, "is a login session", *call)
        row = ("persistent", "vm", self.KEY, "", {"quota": ("u", 50000)})
        self.assert_error(
            self.INVALID_ARGS, "is a login session", self.manager_call, "SetOverrides", "a(ssssa{sv})a{sv}", [row], {}
        )
        self.assertEqual(self.root.quota(1), 1000)
        self.assertEqual(self.manager_call("ListOverrides"), ([],))

        self.set_quota(uuid, 5, runtime=True)
        self.assertEqual(self.root.quota(1), 5)
        self.set_override(self.KEY, 6, layer="runtime")
        self.assertEqual(self.root.quota(1), 6)

    def test_one_of_an_earlier_version(self):
        """It is not in force, and can be removed."""
        state = '{"version": 1, "vms": {"%s": {"override": {"quota": 50000}}}}' % self.KEY
        self.root.write("var/lib/pasidd/state.json", state)
        uuid = self.session(1000, 1)
        self.assertEqual(len(self.manager_call("ListOverrides")[0]), 1)
        self.assertEqual(self.source(uuid), (1000, "default"))
        self.assertEqual(self.root.quota(1), 1000)
        self.set_quota(uuid, 7, runtime=True)
        self.assertEqual(self.root.quota(1), 7)
        self.reset_quota(uuid)
        self.assertEqual(self.manager_call("ListOverrides"), ([],))
        self.assertEqual(self.root.quota(1), 1000)


if __name__ == "__main__":
    main()
