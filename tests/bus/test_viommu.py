#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains whose devices use iommufd, and whose vIOMMU offers more PASIDs than the quota."""

from ctlenv import *

DOMAIN = """<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web</name>
  <uuid>{uuid}</uuid>
  <metadata><pasid:quota xmlns:pasid="urn:pasidd:domain:1" max="{quota}"/></metadata>
  <devices><hostdev type='pci'><driver iommufd='yes'/></hostdev></devices>
  <qemu:commandline>
    <qemu:arg value='-device'/><qemu:arg value='intel-iommu,caching-mode=on,pasid-bits=16'/>
  </qemu:commandline>
</domain>
"""
OFFERS = "its vIOMMU offers 65536 PASIDs, its quota is {}: the guest does not learn which attach is denied"
METADATA = [("iommufd", "yes"), ("viommu-pasids", "65536")]


class ViommuTest(CtlTest):
    counts_attached = True

    def setUp(self):
        super().setUp()
        self.start()

    def reserve_with(self, quota):
        self.reserve(WEB, "web", quota=quota, metadata=("a(ss)", METADATA))


class Viommu(ViommuTest):
    def hook(self, operation, quota=64):
        status, _, error = self.run_ctl(
            "libvirt-hook", "web", operation, "begin", "-", stdin=DOMAIN.format(uuid=WEB, quota=quota)
        )
        self.assertEqual((status, error), (OK, ""))

    def test_logged_once(self):
        """At the start of a machine, however often somebody confirms, and again at its next start."""
        self.reserve_with(64)
        self.add_machine("web", WEB, 1)
        self.wait_get(WEB, "State", "running")
        for _ in range(3):
            self.confirm(WEB)
        line = f"VM web: {OFFERS.format(64)}."
        self.daemon.wait_output(line)
        self.client.sync()
        self.assertEqual(self.daemon.text().count(line), 1)

    def test_same_name_again(self):
        """libvirt counts from 1 again when it is started anew, and the end of the first one can go unseen."""
        self.reserve_with(64)
        self.add_machine("web", WEB, 1, usec=1)
        self.wait_get(WEB, "State", "running")
        self.confirm(WEB)
        self.machined.add("qemu-1-web", WEB, f"machine-{unit_escape('qemu-1-web')}.scope", 1001, usec=2)
        self.daemon.wait_output("is now machine qemu-1-web")
        self.confirm(WEB)
        line = f"VM web: {OFFERS.format(64)}."
        wait_until(lambda: self.daemon.text().count(line) == 2, "it is logged again")

    def test_not_logged(self):
        """Where the quota is large enough."""
        self.reserve_with(65536)
        self.add_machine("web", WEB, 1)
        self.wait_get(WEB, "State", "running")
        self.confirm(WEB)
        self.client.sync()
        self.assertNotIn("vIOMMU", self.daemon.text())

    def test_explain(self):
        self.reserve_with(64)
        out = self.ok("explain", "web")
        self.assertIn("web attaches its host devices through iommufd.\n", out)
        self.assertIn(f"web: {OFFERS.format(64)}.\n", out)
        shown = self.json("explain", "web")
        self.assert_documented("explanation", shown)
        self.assertEqual((shown["iommufd"], shown["viommu_pasids"]), (True, 65536))

    def test_explain_without(self):
        self.add_machine("db", DB, 2)
        self.wait_vm("db")
        shown = self.json("explain", "db")
        self.assertEqual({"iommufd", "viommu_pasids"} & shown.keys(), set())
        self.assertNotIn("iommufd", self.ok("explain", "db"))

    def test_test_hook(self):
        self.root.write("web.xml", DOMAIN.format(uuid=WEB, quota=64))
        path = str(self.root.path / "web.xml")
        out = self.ok("test-hook", path)
        self.assertIn("Its host devices are attached through iommufd.\n", out)
        self.assertIn(f"Note: {OFFERS.format(64)}.\n", out)
        steps = {step["operation"]: step for step in self.json("test-hook", path)}
        self.assertIn(OFFERS.format(64), steps["started"]["outcome"])
        self.root.write("web.xml", DOMAIN.format(uuid=WEB, quota=65536))
        self.assertIn("Its vIOMMU offers 65536 PASIDs.\n", self.ok("test-hook", path))

    def test_test_hook_without_quota(self):
        """The default is not what it will have if a rule fits."""
        self.root.write("web.xml", re.sub("<metadata>.*</metadata>", "", DOMAIN).format(uuid=WEB))
        path = str(self.root.path / "web.xml")
        self.assertIn("Its vIOMMU offers 65536 PASIDs.\n", self.ok("test-hook", path))
        self.assertNotIn("its quota is", str(self.json("test-hook", path)))

    def test_hook_tells(self):
        """What the hook makes of the XML is what the daemon knows."""
        self.hook("prepare")
        self.assertEqual(self.get(WEB, "Metadata"), METADATA)


class Rule(ViommuTest):
    config = "[Rule many]\nMatchMetadata=iommufd=yes\nMatchMetadata=viommu-pasids=65536\nQuota=7\n"

    def test_rule(self):
        self.reserve(WEB, "web", metadata=("a(ss)", METADATA))
        self.assertEqual((self.get(WEB, "Quota"), self.get(WEB, "QuotaSource")), (7, "rule"))


class NotInForce(ViommuTest):
    config = "[Manager]\nForeignChanges=report\n"

    def test_logged(self):
        """The notice does not wait for a quota that is in force."""
        self.reserve_with(64)
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_get(WEB, "State", "running")
        self.wait_limit(cgroup, 64)
        self.root.overwrite(f"sys/fs/cgroup{cgroup}/misc.max", self.root.misc("max", "max"))
        self.assert_error("org.pasidd1.Error.NotApplied", "", self.confirm, WEB)
        self.daemon.wait_output(f"VM web: {OFFERS.format(64)}.")


if __name__ == "__main__":
    main()
