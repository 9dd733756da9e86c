#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Metrics for Prometheus: values, counters that never decrease, and writing to a file."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from minibus import NO_REPLY_EXPECTED, BusError, wait_until
from testenv import *

PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")

# What Grafana replaces in a query.
VARIABLES = {"$instance": ".*", "$uuid": WEB, "$__rate_interval": "5m", "$__range": "1h"}


class Metrics(BusTest):
    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])

    def text(self):
        return self.manager_call("GetMetrics")[0]

    def value(self, name, uuid=None, text=None):
        pattern = f'^{name}' + (f'{{uuid="{uuid}",.*}}' if uuid else "") + r" (\d+)$"
        return int(re.search(pattern, text or self.text(), re.M)[1])

    def count(self, kind):
        return self.value(f'pasidd_events_total{{type="{kind}"}}')

    def set_counters(self, set_id, **values):
        for name, value in values.items():
            self.root.set_attribute(set_id, name, value)

    def test_values(self):
        self.root.write("sys/fs/cgroup/misc.current", "pasid 12\n")
        self.start()
        self.wait_vm("web")
        self.set_quota(WEB, 40, watermark=30)
        self.reserve(DB, "d\\b", quota=7)
        self.set_counters(1, peak=9, denied=4, allocated=8)
        text = self.text()
        for name, value in (
            ("pasidd_capacity", 100000),
            ("pasidd_allocated", 12),
            ("pasidd_committed", 47),
            ("pasidd_default_quota", 1000),
        ):
            self.assertEqual(self.value(name, text=text), value, name)
        for name, value in (
            ("quota", 40),
            ("watermark", 30),
            ("quota_in_force", 1),
            ("allocated", 8),
            ("peak", 9),
            ("sets", 1),
            ("denied_total", 4),
        ):
            self.assertEqual(self.value(f"pasidd_vm_{name}", WEB, text), value, name)
        self.assertIn(f'pasidd_vm_quota{{uuid="{DB}",name="d\\\\b"}} 7\n', text)
        self.assertIn('pasidd_vms{state="running"} 1\n', text)
        self.assertIn('pasidd_vms{state="reserved"} 1\n', text)
        self.assertEqual(self.count("quota-changed"), 1)

    def test_promtool(self):
        if not PROMTOOL:
            self.skipTest("promtool is not installed (Debian: prometheus, or promtool)")
        self.start()
        self.wait_vm("web")
        self.reserve(DB, 'a "b" \\ {c="d"} \N{SNOWMAN}', quota=7)
        result = subprocess.run(
            [PROMTOOL, "check", "metrics"], input=self.text(), capture_output=True, text=True, check=False
        )
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_alerts(self):
        """The example rules use existing metrics, and fire when they should."""
        rules = (SOURCE / "docs/prometheus-alerts.yml").read_text()
        named = set(re.findall(r"\bpasidd_\w+", "\n".join(re.findall(r"expr: (.*(?:\n {10}.*)*)", rules))))
        self.start()
        self.wait_vm("web")
        self.assertEqual(named - set(re.findall(r"^(\w+)", self.text(), re.M)), set())
        self.assertGreater(len(named), 5)
        if not PROMTOOL:
            self.skipTest("promtool is not installed (Debian: prometheus, or promtool)")
        for arguments in (
            ("check", "rules", SOURCE / "docs/prometheus-alerts.yml"),
            ("test", "rules", SOURCE / "tests/bus/alerts-test.yml"),
        ):
            result = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_dashboard(self):
        """Each query of the Grafana dashboard is valid, uses existing metrics, and has a result if it should."""
        dashboard = json.loads((SOURCE / "docs/grafana-dashboard.json").read_text())
        queries = [
            (panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", ())
        ]
        variables = [v["query"]["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
        self.assertGreater(len(queries), 20)
        self.start()
        self.wait_vm("web")
        self.set_quota(WEB, 40, watermark=30)
        self.reserve(DB, 'a "b" \\ {c="d"}', quota=7)
        self.set_counters(1, peak=9, denied=4, allocated=8)
        text = self.text()
        named = set(re.findall(r"\bpasidd_\w+", " ".join([*(expr for _, expr in queries), *variables])))
        # The first part of a selection of several names.
        self.assertEqual(named - set(re.findall(r"^(\w+)", text, re.M)) - {"pasidd_vm_"}, set())
        if not PROMTOOL:
            self.skipTest("promtool is not installed (Debian: prometheus, or promtool)")
        for title, result in zip(queries, self.evaluate(text, [expr for _, expr in queries])):
            with self.subTest(title):
                self.assertTrue(result, "no series")

    def evaluate(self, text, queries):
        """The results of the queries for these metrics, recorded over an hour on one host, with growing counters."""
        series = {}
        for line in re.findall(r"^(?!#)(.+) (\S+)$", text, re.M):
            name, _, labels = line[0].partition("{")
            labels = 'instance="host"' + ("," + labels[:-1] if labels else "")
            # No series of the example is constant zero: a query that only finds something above zero has a result.
            series[f"{name}{{{labels}}}"] = (line[1], 1 if name.endswith("_total") else 0)
        series['node_textfile_mtime_seconds{instance="host",file="/var/lib/prometheus/node-exporter/pasidd.prom"}'] = ("0", 60)
        tests = []
        for query in queries:
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            tests.append({"expr": query, "eval_time": "60m", "exp_samples": [{"labels": "nothing", "value": 0}]})
        document = {
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [
                        {"series": name, "values": f"{start}+{step}x60"} for name, (start, step) in series.items()
                    ],
                    "promql_expr_test": [test],
                }
                for test in tests
            ],
        }
        # JSON is YAML.
        path = self.directory / "dashboard-test.yml"
        path.write_text(json.dumps(document))
        result = subprocess.run([PROMTOOL, "test", "rules", path], capture_output=True, text=True, check=False)
        output = result.stdout + result.stderr
        self.assertNotRegex(output, r"parse error|unmarshal|cannot|invalid")
        # promtool only compares. The expected sample is wrong on purpose, so it prints what it got instead.
        got = re.findall(r'^\s+expr: ".*", time: 1h,\n\s+exp:.*\n\s+got:\s*(.*)$', output, re.M)
        self.assertEqual(len(got), len(queries), output)
        return [None if sample in ("", "nil") else sample for sample in got]

    def test_burst(self):
        """Who asks all the time holds up nobody else: several share a text, and there is a pause before the next one."""
        self.start()
        self.wait_vm("web")
        self.set_quota(WEB, 40)
        # As many as the bus lets each have open.
        clients = [self.connect() for _ in range(4)]
        self.daemon.process.send_signal(signal.SIGSTOP)
        calls = [(c, c.send(BUS_NAME, MANAGER_PATH, MANAGER, "GetMetrics")) for c in clients for _ in range(120)]
        for client in clients:
            client.sync()
        serial = self.client.send(BUS_NAME, vm_path(WEB), VM, "SetQuota", "ua{sv}", (50, {}))
        self.client.sync()
        self.daemon.process.send_signal(signal.SIGCONT)
        self.client.reply(serial)
        answers = []
        for client, serial in calls:
            try:
                answers.append(self.value("pasidd_vm_quota", WEB, client.reply(serial)[0]))
            except BusError as error:
                self.assertEqual(error.name, "org.freedesktop.DBus.Error.LimitsExceeded")
                self.assertIn("too many calls of GetMetrics", str(error))
                answers.append(None)
        self.assertLessEqual(set(answers), {40, 50, None})
        self.assertIn(None, answers)
        # One user gets a third of the places.
        self.assertGreaterEqual(len(answers) - answers.count(None), 256 // 3)
        # What is told is not older than the question.
        self.set_quota(WEB, 60)
        self.assertEqual(self.value("pasidd_vm_quota", WEB), 60)

    def test_no_reply(self):
        """Nothing is done for nobody: the file is not written."""
        self.start()
        self.wait_vm("web")
        self.set_counters(1, denied=5)
        self.client.send(BUS_NAME, MANAGER_PATH, MANAGER, "GetMetrics", flags=NO_REPLY_EXPECTED)
        self.get_manager("State")
        self.assertFalse(self.root.exists("run/pasidd/counters"))
        self.text()
        self.assertTrue(self.root.exists("run/pasidd/counters"))

    def test_restart(self):
        """Killed at any moment, nothing that was told goes back; what the kernel still has is not counted twice."""
        self.root.add_set(2, 1001, self.cgroup)
        self.root.write(f"sys/fs/cgroup{self.cgroup}/misc.peak", "pasid 7\n")
        self.start()
        wait_until(lambda: len(self.get(WEB, "Sets")) == 2, "both sets are there")
        self.set_counters(1, denied=5, peak=3)
        self.set_counters(2, denied=7, peak=4)
        wait_until(lambda: self.count("quota-exceeded") == 2, "both are counted")
        self.root.remove_set(1)
        wait_until(lambda: len(self.get(WEB, "Sets")) == 1, "one is gone")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 12)

        self.restart()
        self.wait_vm("web")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 12)
        self.assertEqual(self.value("pasidd_vm_peak", WEB), 7)
        self.assertEqual(self.count("quota-exceeded"), 2)
        self.set_counters(2, denied=8)
        wait_until(lambda: self.count("quota-exceeded") == 3, "it is counted on")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 13)

        # A set that ends while nobody looks.
        self.daemon.kill()
        self.root.remove_set(2)
        self.start()
        self.wait_vm("web")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 13)
        self.restart()
        self.wait_vm("web")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 13)

    def test_id_of_another_set(self):
        """A set is told from a later one with its number by when its process started."""
        self.start()
        self.wait_vm("web")
        self.set_counters(1, denied=5, peak=3)
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 5)
        self.daemon.kill()
        self.root.remove_set(1)
        self.root.process(1002, f"{self.cgroup}/libvirt/emulator", start_time=6000)
        self.root.add_set(1, 1002, self.cgroup, start_time=6000, denied=2)
        self.start()
        self.wait_vm("web")
        wait_until(lambda: len(self.get(WEB, "Sets")) == 1, "the new set is there")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 7)

    def test_clean_stop_saves(self):
        self.start()
        self.wait_vm("web")
        self.set_quota(WEB, 6)
        self.daemon.stop()
        self.start()
        self.assertEqual(self.count("quota-changed"), 1)

    def test_restart_before_machines_are_known(self):
        """What waits for its VM is not forgotten by saving meanwhile."""
        self.start()
        self.wait_vm("web")
        self.set_counters(1, denied=5)
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 5)
        self.daemon.kill()
        self.root.remove_set(1)
        self.machined.hold_list = True
        self.daemon.spawn("--log-level=debug")
        wait_until(lambda: self.machined.held, "machines are asked for")
        self.daemon.stop()
        self.machined.held.clear()
        self.machined.hold_list = False
        self.start()
        self.wait_vm("web")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 5)

    def test_next_machine_of_the_uuid(self):
        """Begins at zero, as its Denied does."""
        self.start()
        self.wait_vm("web")
        self.set_counters(1, denied=5)
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 5)
        self.restart()
        self.wait_vm("web")
        self.root.remove_set(1)
        self.root.remove_cgroup(self.cgroup)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.add_machine("web", WEB, 2)
        self.wait_vm("web")
        self.assertEqual(self.value("pasidd_vm_denied_total", WEB), 0)

    def test_unusable_file(self):
        self.root.write("run/pasidd/counters", "pasidd-counters 1\nvm web\n")
        self.start()
        self.daemon.wait_output("Cannot load the counters")
        self.assertEqual(self.count("quota-changed"), 0)

    def test_cannot_save(self):
        """Told all the same, and logged once."""
        self.start()
        self.wait_vm("web")
        (self.root.path / "run/pasidd/counters.tmp").mkdir()
        for quota in (1, 2):
            self.set_quota(WEB, quota)
            self.assertEqual(self.count("quota-changed"), quota)
        self.assertEqual(len(self.daemon.wait_output("Cannot save the counters")), 1)
        (self.root.path / "run/pasidd/counters.tmp").rmdir()


class Verb(BusTest):
    def setUp(self):
        super().setUp()
        self.add_machine("web", WEB, 1, sets=[1])
        # Another user than the daemon's writes there.
        self.target = pathlib.Path(tempfile.mkdtemp(prefix="pasidd-metrics-"))
        self.addCleanup(shutil.rmtree, self.target)

    def metrics(self, *args):
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus.socket}", "LC_ALL": "C"}
        return subprocess.run(
            [PASIDCTL, "metrics", *args], env=environment, capture_output=True, text=True, timeout=20, check=False
        )

    def test_print(self):
        self.start()
        self.wait_vm("web")
        result = self.metrics()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout, self.manager_call("GetMetrics")[0])

    def test_file(self):
        self.start()
        self.wait_vm("web")
        file = self.target / "pasidd.prom"
        file.write_text("old")
        before = file.stat().st_ino
        result = self.metrics(str(file))
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(file.read_text(), self.manager_call("GetMetrics")[0])
        # Replaced as a whole, for all to read, and nothing is left behind.
        self.assertNotEqual(file.stat().st_ino, before)
        self.assertEqual(file.stat().st_mode & 0o777, 0o644)
        self.assertEqual(os.listdir(self.target), ["pasidd.prom"])

    def test_file_cannot_be_written(self):
        self.start()
        for file in (self.target, self.target / "missing/pasidd.prom"):
            result = self.metrics(str(file))
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"Cannot write '{file}'", result.stderr)
        self.assertEqual(os.listdir(self.target), [])
        self.assertEqual([p.name for p in self.target.parent.glob(self.target.name + ".*")], [])

    def test_no_file(self):
        """Neither a link nor anything but a regular file is replaced."""
        self.start()
        self.wait_vm("web")
        fifo, link, file = (self.target / name for name in ("fifo", "link", "file"))
        os.mkfifo(fifo)
        result = self.metrics(str(fifo))
        self.assertEqual(result.returncode, 1)
        self.assertIn("is not a regular file", result.stderr)
        self.assertTrue(fifo.is_fifo())
        file.write_text("old")
        link.symlink_to("file")
        self.assertEqual(self.metrics(str(link)).returncode, 0)
        self.assertTrue(link.is_symlink())
        self.assertEqual(file.read_text(), self.manager_call("GetMetrics")[0])

    def test_no_daemon(self):
        file = self.target / "pasidd.prom"
        result = self.metrics(str(file))
        self.assertEqual(result.returncode, 5)
        self.assertFalse(file.exists())


if __name__ == "__main__":
    main()
