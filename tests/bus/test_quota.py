#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Quotas: sources, changes, and foreign changes."""


from minibus import wait_until
from testenv import *

UNIT_ID = "12345678-0000-4000-8000-000000000003"


class Sources(BusTest):
    config = f"""
[Manager]
DefaultQuota=100
DefaultWatermark=9

[Rule by-uuid]
MatchUUID={DB}
Quota=40
Watermark=4

[Rule tenants]
MatchSlice=tenant.slice
Quota=50

[Rule web-servers]
MatchName=web*
Quota=60
"""

    def origin(self, uuid):
        return self.get(uuid, "QuotaOrigin")

    def test_default(self):
        self.add_machine("mail", OTHER, 1, sets=[1])
        self.start()
        self.assertEqual(self.source(OTHER), (100, "default"))
        self.assertEqual(self.get(OTHER, "Watermark"), 9)
        self.assertEqual(self.root.quota(1), 100)
        self.assertEqual(self.root.set_value(1, "watermark"), 9)
        self.assertEqual(self.root.default_quota(), 100)
        self.assertEqual(self.get_manager("DefaultQuota"), 100)
        self.assertEqual(self.get_manager("DefaultQuotaSource"), "config")

    def test_rules(self):
        for slice_name in ("tenant", "tenant.slice/tenant-a"):
            self.root.cgroup(f"/{slice_name}.slice")
        self.add_machine("db", DB, 1)
        self.add_machine("web1", WEB, 2)
        self.add_machine("web2", OTHER, 3, slice_name="tenant.slice/tenant-a")
        self.start()
        file = self.root.path / "etc/pasidd/pasidd.conf"
        self.assertEqual(self.source(DB), (40, "rule"))
        self.assertEqual(self.origin(DB), f"by-uuid ({file}:6)")
        self.assertEqual(self.get(DB, "Watermark"), 4)
        self.assertEqual(self.source(WEB), (60, "rule"))
        self.assertEqual(self.origin(WEB), f"web-servers ({file}:15)")
        self.assertEqual(self.get(WEB, "Watermark"), 9)
        # Its name matches a rule as well, a later one.
        self.wait_get(OTHER, "Quota", 50)
        self.assertEqual(self.origin(OTHER), f"tenants ({file}:11)")

    def test_order(self):
        """Each source covers the ones below it, and lets them through again when it goes."""
        self.start()
        self.assertEqual(self.reserve(WEB, "web", quota=70), (70, "metadata"))
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_get(WEB, "State", "running")
        self.wait_limit(cgroup, 70)
        self.assertEqual(self.source(WEB), (70, "metadata"))

        self.assertEqual(self.set_quota(WEB, 80), (70, "persistent"))
        self.assertEqual(self.source(WEB), (80, "persistent"))
        self.assertEqual(self.origin(WEB), str(self.root.path / PERSISTENT_STATE))

        self.assertEqual(self.set_quota(WEB, 90, runtime=True), (80, "runtime"))
        self.assertEqual(self.source(WEB), (90, "runtime"))
        self.assertEqual(self.origin(WEB), str(self.root.path / RUNTIME_STATE))

        self.assertEqual(self.reset_quota(WEB, runtime=True), (80, "persistent"))
        self.assertEqual(self.root.quota(1), 80)
        self.assertEqual(self.reset_quota(WEB), (70, "metadata"))
        self.assertEqual(self.root.quota(1), 70)

        # Without the metadata the rule would be next: at the next start.
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.add_machine("web", WEB, 2)
        self.wait_vm("web")
        self.assertEqual(self.source(WEB), (60, "rule"))

    def test_persistent_takes_the_runtime_one_off(self):
        self.add_machine("web", WEB, 1)
        self.start()
        self.set_quota(WEB, 90, runtime=True)
        self.assertEqual(self.set_quota(WEB, 80), (90, "persistent"))
        self.assertEqual(self.source(WEB), (80, "persistent"))

    def test_zero_and_most(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        for quota in (0, 1, 1048576):
            with self.subTest(quota=quota):
                self.set_quota(WEB, quota)
                self.assertEqual(self.root.quota(1), quota)
                self.assertEqual(self.root.limit(cgroup), f"pasid {quota}")
                self.assertEqual(self.get(WEB, "Quota"), quota)


class SetQuota(BusTest):
    config = "[Manager]\nDefaultQuota=100\n"

    def test_in_the_kernel_before_the_reply(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[1, 2, 3])
        other = self.add_machine("db", DB, 2, sets=[4])
        self.start()
        self.client.forget_signals()
        self.assertEqual(self.set_quota(WEB, 7), (100, "persistent"))
        self.assertEqual(self.root.limit(cgroup), "pasid 7")
        self.assertEqual([self.root.quota(i) for i in (1, 2, 3)], [7, 7, 7])
        saved = self.root.state(PERSISTENT_STATE)
        self.assertEqual(saved["vms"][WEB]["override"], {"quota": 7})
        self.assertEqual(saved["vms"][WEB]["name"], "web")
        # And nobody else's changed.
        self.assertEqual(self.root.limit(other), "pasid 100")
        self.assertEqual(self.root.quota(4), 100)

        self.wait_changed(Quota=7, QuotaSource="persistent", QuotaOrigin=str(self.root.path / PERSISTENT_STATE))
        self.assertEqual(self.get_manager("Committed"), 107)

    def test_same_again(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7)
        self.assertEqual(self.set_quota(WEB, 7), (7, "persistent"))

    def test_watermark(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7, watermark=5)
        self.assertEqual(self.root.set_value(1, "watermark"), 5)
        self.assertEqual(self.get(WEB, "Watermark"), 5)
        # Stays when it is not named.
        self.set_quota(WEB, 8)
        self.assertEqual(self.get(WEB, "Watermark"), 5)
        self.set_quota(WEB, 8, watermark=0)
        self.assertEqual(self.root.set_value(1, "watermark"), 0)
        self.reset_quota(WEB)
        self.assertEqual(self.get(WEB, "Watermark"), 0)

    def test_below_usage(self):
        cgroup = self.add_machine("web", WEB, 1)
        self.root.add_set(1, 1001, cgroup, allocated=50, peak=50)
        self.start()
        self.set_quota(WEB, 7)
        self.assertEqual(self.root.quota(1), 7)
        self.assertEqual(self.get(WEB, "Allocated"), 50)
        self.assertTrue(self.get(WEB, "QuotaInForce"))

    def test_dry_run(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7, runtime=True)
        before = self.snapshot()
        self.assertEqual(self.set_quota(WEB, 8, dry_run=True, watermark=3), (7, "persistent"))
        self.assertEqual(self.set_quota(WEB, 8, dry_run=True, runtime=True), (7, "runtime"))
        self.assertEqual(self.reset_quota(WEB, dry_run=True), (100, "default"))
        self.assertEqual(self.set_default(8, dry_run=True), (100,))
        self.assertEqual(self.snapshot(), before)

    def test_reset(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.assertEqual(self.reset_quota(WEB), (100, "default"))
        self.set_quota(WEB, 7)
        self.set_quota(WEB, 8, runtime=True)
        self.assertEqual(self.reset_quota(WEB), (100, "default"))
        self.assertEqual(self.root.quota(1), 100)
        for directory in (PERSISTENT_STATE, RUNTIME_STATE):
            self.assertNotIn(WEB, self.root.state(directory)["vms"])

    def test_many_at_once(self):
        """One reply for each, and the last one holds."""
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        serials = [
            self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (quota, {})) for quota in range(1, 101)
        ]
        previous = 100
        for quota, serial in enumerate(serials, 1):
            self.assertEqual(self.client.reply(serial), (previous, "persistent"))
            previous = quota
        self.assertEqual(self.root.quota(1), 100)
        self.assertEqual(self.root.limit(cgroup), "pasid 100")


class DefaultQuota(BusTest):
    config = "[Manager]\nDefaultQuota=100\n[Rule r]\nMatchName=db\nQuota=10\n"

    def test_followed_by_the_vms_that_have_no_other(self):
        web = self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])
        self.start()
        self.client.forget_signals()
        self.assertEqual(self.set_default(200), (100,))
        self.assertEqual(self.root.default_quota(), 200)
        self.assertEqual(self.root.quota(1), 200)
        self.assertEqual(self.root.limit(web), "pasid 200")
        self.assertEqual(self.root.quota(2), 10)
        self.assertEqual(self.get_manager("DefaultQuotaSource"), "persistent")
        self.wait_changed(MANAGER, DefaultQuota=200, DefaultQuotaSource="persistent")
        self.wait_changed(Quota=200)

    def test_reset(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_default(200)
        self.set_default(300, runtime=True)
        self.assertEqual(self.reset_default(runtime=True, dry_run=True), (200, "persistent"))
        self.assertEqual(self.root.default_quota(), 300)
        self.client.forget_signals()
        self.assertEqual(self.reset_default(runtime=True), (200, "persistent"))
        self.wait_changed(MANAGER, DefaultQuota=200, DefaultQuotaSource="persistent")
        self.set_default(300, runtime=True)
        self.assertEqual(self.reset_default(), (100, "config"))
        self.assertEqual([self.root.default_quota(), self.root.quota(1)], [100, 100])
        self.assertEqual(self.get_manager("DefaultQuotaSource"), "config")
        self.assertEqual(self.reset_default(), (100, "config"))
        self.restart()
        self.assertEqual(self.root.default_quota(), 100)

    def test_origin_is_told(self):
        """The quota stays, who said so does not."""
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.client.forget_signals()
        self.set_default(100)
        self.wait_changed(QuotaOrigin=str(self.root.path / PERSISTENT_STATE))

    def test_survives_a_restart(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_default(200)
        self.set_default(300, runtime=True)
        self.assertEqual(self.get_manager("DefaultQuotaSource"), "runtime")
        self.root.overwrite("sys/module/vfio_pasid/parameters/default_quota", "1000\n")
        self.restart()
        self.assertEqual(self.get_manager("DefaultQuota"), 300)
        self.assertEqual(self.root.default_quota(), 300)
        self.assertEqual(self.root.quota(1), 300)
        # As after a reboot.
        self.daemon.kill()
        shutil.rmtree(self.root.path / RUNTIME_STATE)
        self.start()
        self.assertEqual(self.get_manager("DefaultQuota"), 200)
        self.assertEqual(self.get_manager("DefaultQuotaSource"), "persistent")
        self.assertEqual(self.root.default_quota(), 200)


class ForeignRevert(BusTest):
    def test_limit(self):
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.set_quota(WEB, 7)
        for value in ("max", "8", "0"):
            with self.subTest(value=value):
                self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", f"pasid {value}\n")
                self.wait_limit(cgroup, 7)
        self.daemon.wait_output("Somebody else set misc.max of VM web")
        self.assertEqual(self.source(WEB), (7, "persistent"))

    def test_limit_by_one_who_keeps_it_open(self):
        cgroup = self.add_machine("web", WEB, 1)
        self.start()
        self.wait_limit(cgroup, 1000)
        with open(self.root.path / f"sys/fs/cgroup{cgroup}/misc.max", "r+", encoding="utf-8") as f:
            f.truncate()
            f.write("pasid 9\n")
            f.flush()
            self.wait_limit(cgroup, 1000)

    def test_set(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 7)
        self.root.overwrite("sys/class/vfio_pasid/set1/quota", "8\n")
        self.wait_quota(1, 7)
        self.daemon.wait_output("Somebody else set the quota of a set of VM web")

    def test_own_writing_is_not_foreign(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        for quota in range(1, 20):
            self.set_quota(WEB, quota)
        self.client.sync()
        self.get(WEB, "Quota")
        self.assertNotIn("Somebody else", self.daemon.text())


class ForeignAdopt(BusTest):
    config = "[Manager]\nForeignChanges=adopt\n"

    def test_limit(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", "pasid 8\n")
        self.wait_get(WEB, "Quota", 8)
        self.assertEqual(self.source(WEB), (8, "runtime"))
        self.assertEqual(self.root.quota(1), 8)

    def test_set(self):
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.root.overwrite("sys/class/vfio_pasid/set1/quota", "8\n")
        self.wait_get(WEB, "Quota", 8)
        self.assertEqual(self.source(WEB), (8, "runtime"))
        self.assertEqual(self.root.limit(cgroup), "pasid 8")


class Events(BusTest):
    def test_quota_exceeded(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 4)
        self.root.set_attribute(1, "allocated", 4)
        self.root.set_attribute(1, "denied", 1)
        signal = self.client.wait_signal("QuotaExceeded")
        self.assertEqual(signal.args, (WEB, "web", vm_path(WEB), 1, "quota", 4, 4, 0))
        self.assertEqual(signal.path, MANAGER_PATH)

    def test_watermark_reached(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.set_quota(WEB, 10, watermark=3)
        self.client.forget_signals()
        self.root.set_attribute(1, "allocated", 2)
        self.root.set_attribute(1, "allocated", 3)
        signal = self.client.wait_signal("WatermarkReached")
        self.assertEqual(signal.args, (WEB, "web", vm_path(WEB), 1, 3, 3))

    def test_counters_are_fresh(self):
        """Nobody announces them, so they are read at each Get."""
        self.add_machine("web", WEB, 1, sets=[1, 2])
        self.start()
        for value in (1, 5, 2):
            self.root.overwrite("sys/class/vfio_pasid/set1/allocated", f"{value}\n")
            self.root.overwrite("sys/class/vfio_pasid/set2/allocated", "10\n")
            self.assertEqual(self.get(WEB, "Allocated"), value + 10)
        self.root.overwrite("sys/fs/cgroup/misc.current", "pasid 77\n")
        self.assertEqual(self.get_manager("Allocated"), 77)


class Coalescing(BusTest):
    def test_one_signal_for_many_changes(self):
        self.add_machine("web", WEB, 1, sets=[1, 2, 3])
        self.start()
        self.client.sync()
        self.client.forget_signals()
        self.set_quota(WEB, 5, watermark=2)
        self.wait_changed(Quota=5, Watermark=2, QuotaSource="persistent")
        self.client.sync()
        self.assertEqual([s for s in self.client.signals if s.path == vm_path(WEB)], [])


if __name__ == "__main__":
    main()
