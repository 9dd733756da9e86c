#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sources of quotas: rules on the domain's metadata, drop-ins, and Explain."""

from testenv import *

NO_SUCH_VM = "org.pasidd1.Error.NoSuchVM"
RELOAD_FAILED = "org.pasidd1.Error.ReloadFailed"


def metadata(*pairs):
    """The option of Reserve."""
    return ("a(ss)", list(pairs))


class Metadata(BusTest):
    config = """[Manager]
DefaultQuota=100
[Rule gpu]
MatchNovaFlavor=gpu.*
MatchNovaProject=research
Quota=50
Watermark=80%
[Rule dedicated]
MatchNovaExtraSpec=hw:cpu_policy=dedicated
Quota=40
[Rule tagged]
MatchMetadata={http://example.org/1}tenant@id=t-*
Quota=30
[Rule slice]
MatchSlice=machine-small.slice
Quota=20
"""

    def setUp(self):
        super().setUp()
        self.start()

    def test_rules(self):
        """Each before the VM runs, so that its reservation is right."""
        for expected, options in (
            ((50, "rule"), {"metadata": metadata(("nova:flavor", "gpu.large"), ("nova:project", "research"))}),
            ((50, "rule"), {"metadata": metadata(("nova:flavor", "gpu.x"), ("nova:project-uuid", "research"))}),
            ((100, "default"), {"metadata": metadata(("nova:flavor", "gpu.large"), ("nova:project", "other"))}),
            ((40, "rule"), {"metadata": metadata(("nova:extra-spec:hw:cpu_policy", "dedicated"))}),
            ((30, "rule"), {"metadata": metadata(("{http://example.org/1}tenant@id", "t-5"))}),
            ((20, "rule"), {"slice": "machine-small-a.slice"}),
            ((7, "metadata"), {"quota": 7, "metadata": metadata(("nova:extra-spec:hw:cpu_policy", "dedicated"))}),
            ((100, "default"), {}),
        ):
            with self.subTest(options=options):
                self.assertEqual(self.reserve(WEB, "web", **options), expected)
                self.assertEqual(self.source(WEB), expected)
        self.reserve(WEB, "web", metadata=metadata(("nova:flavor", "gpu.large"), ("nova:project", "research")))
        self.assertEqual(self.get(WEB, "Watermark"), 40)

    def test_outlives_daemon_and_start(self):
        pairs = [("nova:flavor", "gpu.large"), ("nova:project", "research")]
        self.reserve(WEB, "web", metadata=metadata(*pairs), slice="machine-small.slice")
        self.restart()
        self.assertEqual(self.get(WEB, "Metadata"), pairs)
        cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.wait_limit(cgroup, 50)
        self.wait_attribute(1, "watermark", 40)
        self.restart()
        self.assertEqual(self.source(WEB), (50, "rule"))
        self.assertEqual(self.get(WEB, "Metadata"), pairs)
        # With the VM its metadata goes.
        self.root.remove_set(1)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.add_machine("web", WEB, 2)
        self.wait_vm("web")
        self.assertEqual(self.source(WEB), (100, "default"))

    def test_slice_is_where_it_runs(self):
        """What the hook foretold of the slice ends when it is known."""
        self.assertEqual(self.reserve(WEB, "web", slice="machine-small.slice"), (20, "rule"))
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_limit(cgroup, 100)

    def test_next_start(self):
        self.reserve(WEB, "web", metadata=metadata(("nova:extra-spec:hw:cpu_policy", "dedicated")))
        self.add_machine("web", WEB, 1)
        self.wait_get(WEB, "State", "running")
        told = self.reserve(WEB, "web", metadata=metadata(("{http://example.org/1}tenant@id", "t-1")))
        self.assertEqual(told, (30, "rule"))
        self.assertEqual(self.source(WEB), (40, "rule"))
        self.machined.remove("qemu-1-web")
        self.wait_get(WEB, "State", "reserved")
        self.assertEqual(self.source(WEB), (30, "rule"))

    def test_reconnect(self):
        """Rules on metadata reach VMs that ran before pasidd did."""
        cgroup = self.add_machine("web", WEB, 1)
        self.wait_limit(cgroup, 100)
        self.reserve(
            WEB, "web", reconnect=True, metadata=metadata(("nova:extra-spec:hw:cpu_policy", "dedicated"))
        )
        self.assertEqual(self.root.limit(cgroup), "pasid 40")

    def test_rules_come_and_go(self):
        """A reload resolves every VM anew, those that are announced included."""
        self.reserve(WEB, "web", metadata=metadata(("nova:flavor", "m1.tiny")))
        cgroup = self.add_machine("db", DB, 1, sets=[1])
        self.wait_quota(1, 100)
        self.root.config("[Rule tiny]\nMatchNovaFlavor=*.tiny\nQuota=3\n[Rule db]\nMatchName=db\nQuota=4\nWatermark=50%\n")
        self.manager_call("Reload")
        self.assertEqual(self.source(WEB), (3, "rule"))
        self.assertEqual(self.root.limit(cgroup), "pasid 4")
        self.assertEqual((self.root.quota(1), self.root.set_value(1, "watermark")), (4, 2))

    def test_refused(self):
        for options in (
            {"metadata": metadata(("", "x"))},
            {"metadata": metadata(("a\n", "x"))},
            {"metadata": metadata(("a", "x" * 256))},
            {"metadata": metadata(*[("a", "b")] * 129)},
            {"slice": "x"},
            {"slice": "/machine.slice"},
            {"metadata": "x"},
            {"slice": 5},
        ):
            with self.subTest(options=str(options)[:60]):
                self.assert_error(INVALID_ARGS, None, self.reserve, WEB, "web", **options)
        self.assertEqual(self.list_vms(), [])


class DropIns(BusTest):
    """As systemd has it: /etc before /run before /usr/lib, by name."""

    def dropin(self, directory, name, text):
        self.root.write(f"{directory}/pasidd.conf.d/{name}", text)

    def test_precedence(self):
        self.root.config("[Manager]\nDefaultQuota=1\n")
        self.dropin("usr/lib/pasidd", "10-vendor.conf", "[Manager]\nDefaultQuota=2\nDefaultWatermark=1\n")
        self.dropin("run/pasidd", "10-vendor.conf", "[Manager]\nDefaultQuota=3\n")
        self.add_machine("web", WEB, 1)
        self.start()
        self.assertEqual((self.get_manager("DefaultQuota"), self.get(WEB, "Watermark")), (3, 0))

        self.dropin("etc/pasidd", "10-vendor.conf", "")
        self.manager_call("Reload")
        self.assertEqual(self.get_manager("DefaultQuota"), 1)

        (self.root.path / "etc/pasidd/pasidd.conf.d/10-vendor.conf").unlink()
        (self.root.path / "run/pasidd/pasidd.conf.d/10-vendor.conf").unlink()
        self.manager_call("Reload")
        self.assertEqual((self.get_manager("DefaultQuota"), self.get(WEB, "Watermark")), (2, 1))

        (self.root.path / "run/pasidd/pasidd.conf.d/10-vendor.conf").symlink_to("/dev/null")
        self.manager_call("Reload")
        self.assertEqual(self.get_manager("DefaultQuota"), 1)

    def test_broken_one_anywhere(self):
        self.start()
        self.dropin("usr/lib/pasidd", "10-x.conf", "bogus\n")
        self.assert_error(RELOAD_FAILED, "usr/lib/pasidd/pasidd.conf.d/10-x.conf:1: must be", self.manager_call, "Reload")


class Explain(BusTest):
    config = """[Manager]
DefaultQuota=100
DefaultWatermark=10%
[Rule db]
MatchName=db*
Quota=50
[Rule small]
MatchNovaFlavor=small
Quota=40
Watermark=50%
[Rule web]
MatchName=web
Quota=30
Watermark=50%
"""

    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1)
        self.start()

    def explain(self, what):
        return self.manager_call("Explain", "s", what)

    def verdicts(self, what):
        return [(c[0], c[1], *c[3:7]) for c in self.explain(what)[1]]

    def test_candidates(self):
        path, candidates, _ = self.explain("web")
        file = f"{self.root.path}/etc/pasidd/pasidd.conf"
        self.assertEqual(path, vm_path(WEB))
        self.assertEqual(
            candidates,
            [
                ("runtime", "", f"{self.root.path}/run/pasidd/state", "unset", 0, "unset", 0, "Sets nothing"),
                ("persistent", "", f"{self.root.path}/var/lib/pasidd/state", "unset", 0, "unset", 0, "Sets nothing"),
                ("metadata", "", "the libvirt domain's metadata", "unset", 0, "unset", 0, "Sets nothing"),
                ("rule", "db", f"{file}:4", "no-match", 50, "unset", 0, 'MatchName=db* does not match "web"'),
                (
                    "rule",
                    "small",
                    f"{file}:7",
                    "no-match",
                    40,
                    "no-match",
                    15,
                    "MatchNovaFlavor=nova:flavor=small does not match: the VM has none",
                ),
                ("rule", "web", f"{file}:11", "wins", 30, "wins", 15, "The first to set quota and watermark"),
                ("default", "", "DefaultQuota=", "outranked", 100, "outranked", 3, "An earlier source takes precedence"),
            ],
        )

    def test_follows_changes(self):
        self.set_quota(WEB, 8)
        self.assertEqual(
            self.verdicts(WEB),
            [
                ("runtime", "", "unset", 0, "unset", 0),
                ("persistent", "", "wins", 8, "unset", 0),
                ("metadata", "", "unset", 0, "unset", 0),
                ("rule", "db", "no-match", 50, "unset", 0),
                ("rule", "small", "no-match", 40, "no-match", 4),
                ("rule", "web", "outranked", 30, "wins", 4),
                ("default", "", "outranked", 100, "outranked", 1),
            ],
        )
        self.assertEqual(self.get(WEB, "Watermark"), 4)
        self.set_quota(WEB, 0, runtime=True, watermark=6)
        self.assertEqual(self.verdicts(WEB)[0], ("runtime", "", "wins", 0, "wins", 6))
        self.assertEqual(self.verdicts(WEB)[1], ("persistent", "", "outranked", 8, "unset", 0))

    def test_unknown(self):
        self.assert_error(NO_SUCH_VM, '"nobody"', self.explain, "nobody")


if __name__ == "__main__":
    main()
