#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Cockpit page in a real browser: every view, every change, errors, hostile names, 1 000 machines, accessibility.
tests/cockpit/run runs it."""

import os
import re
import signal
import subprocess
import time

from cockpitenv import *

MACHINES = 1000


class Views(CockpitTest):
    config = "[Manager]\nDefaultQuota=32\n\n[Rule databases]\nMatchName=db*\nQuota=96\nWatermark=50\n"
    counts_attached = True

    def setUp(self):
        super().setUp()
        self.web = self.add_machine("web", WEB, 1, sets=[1])
        self.add_machine("db", DB, 2, sets=[2])
        self.doctor(("kernel", "ok", "7.3 has it", ""), ("hook", "fail", "there is no hook", "ln -s pasidctl qemu"))
        self.start()
        self.wait_vm("web")
        self.wait_vm("db")

    def test_overview(self):
        self.root.write("sys/fs/cgroup/misc.current", "pasid 12345\npasid_attach 77\n")
        self.open()
        self.wait_state("ready")
        self.wait_text(".alert-success", "pasidd is running")
        self.wait_text("[data-measure=allocated] .bar-text", "12,345 of 100,000")
        self.wait_text("[data-measure=attached] .bar-text", "77 of 100,000")
        self.wait_text("[data-measure=committed] .bar-text", "128 of 100,000")
        self.wait_text(".finding", "there is no hook")
        self.wait_text(".finding .command", "ln -s pasidctl qemu")
        self.assertEqual(len(self.texts(".findings .finding")), 2)
        self.wait_text(".attention, section", "no machine was denied PASIDs")
        self.root.set_attribute(1, "denied", 3)
        self.wait_text(".attention", "web")
        self.wait_text(".attention", "PASIDs denied")
        # A count without a signal.
        self.root.write("sys/fs/cgroup/misc.current", "pasid 22222\npasid_attach 78\n")
        self.wait_text("[data-measure=allocated] .bar-text", "22,222 of 100,000")
        self.assert_accessible()

    def test_doctor_again(self):
        self.open()
        self.wait_text(".finding", "there is no hook")
        self.doctor(("kernel", "ok", "7.3 has it", ""))
        self.click("text=Check again")
        self.wait_text(".doctor", "All checks have passed.")
        self.program("pasidctl", "seq 20 >&2; echo; exit 2")
        self.click("text=Check again")
        self.wait_text(".doctor", "failed:")
        self.assertEqual(self.texts(".doctor p")[1:], [*map(str, range(1, 10)), "…"])

    def test_nodes_stay(self):
        """An update takes neither the focus nor a selection away."""
        self.root.set_attribute(1, "denied", 3)
        self.open()
        self.wait_text(".attention", "PASIDs denied")
        for selector in (".facts a", ".attention a"):
            with self.subTest(selector):
                self.browser.evaluate(expression="(selector) => document.querySelector(selector).focus()", argument=selector)
                n = self.root.set_value(1, "allocated") + 30
                self.root.set_attribute(1, "allocated", n)
                # Above the other machine that wants attention, and the count of machines differs.
                self.root.set_attribute(2, "denied", n)
                self.reserve(OTHER, "soon", quota=n)
                self.root.write("sys/fs/cgroup/misc.current", f"pasid {n}\npasid_attach 0\n")
                self.wait_text(".attention", f"{n} of 32")
                self.wait_text("[data-measure=allocated] .bar-text", f"{n} of 100,000")
                self.wait_text(".facts", "3")
                focused = "(selector) => document.activeElement === document.querySelector(selector) || document.activeElement.innerText"
                self.assertIn(self.browser.evaluate(expression=focused, argument=selector), (True, "web"))

    def test_overcommitted(self):
        self.root.config("[Manager]\nDefaultQuota=90000\nAdmission=warn\n")
        self.daemon.reload()
        self.open()
        self.wait_text(".alert-warning", "180,000 are committed, at most 100,000 may be")
        self.assertIn("bar-danger", self.browser.attribute(selector="[data-measure=committed] .bar", name="class"))

    def test_machines(self):
        self.open("machines")
        self.wait_text("tbody tr", "web")
        self.assertEqual(self.names(), ["db", "web"])
        self.assertRegex(self.texts("tr[data-uuid='%s']" % DB)[0], r"0 of 96\s+96\s+rule\s+0")
        # What wants attention comes first, without a reload.
        self.root.set_attribute(1, "allocated", 31)
        self.wait_text(f"tr[data-uuid='{WEB}']", "31 of 32")
        self.wait_text(f"tr[data-uuid='{WEB}']", "Above 80 %")
        self.assertEqual(self.names(), ["web", "db"])
        width = self.browser.evaluate(
            expression="(uuid) => { const bar = document.querySelector(`[data-uuid='${uuid}'] .bar`); "
            "return bar.firstChild.offsetWidth / bar.offsetWidth; }",
            argument=WEB,
        )
        self.assertAlmostEqual(width, 31 / 32, delta=0.02)
        self.assert_accessible()

    def names(self):
        return self.texts("tbody th a")

    def test_sort(self):
        self.add_machine("apple", OTHER, 3, sets=[3])
        self.root.set_attribute(2, "allocated", 90)
        self.open("machines")
        self.wait_text("tbody", "apple")
        self.assertEqual(self.names()[0], "db")
        self.click("[data-sort=name] button")
        self.assertEqual(self.names(), ["apple", "db", "web"])
        self.assertEqual(self.browser.attribute(selector="[data-sort=name]", name="aria-sort"), "ascending")
        self.click("[data-sort=name] button")
        self.assertEqual(self.names(), ["web", "db", "apple"])
        self.assertEqual(self.browser.attribute(selector="[data-sort=name]", name="aria-sort"), "descending")
        self.click("[data-sort=quota] button")
        self.assertEqual(self.names(), ["db", "apple", "web"])
        self.assertEqual(self.browser.count(selector="[aria-sort]"), 1)

    def test_filter(self):
        self.open("machines")
        self.wait_text("tbody", "web")
        self.browser.fill(selector="input[type=search]", text="WE")
        self.wait_no_text("tbody", "db")
        self.assertEqual(self.names(), ["web"])
        self.wait_text("[role=status].muted", "1 of 2 machines")
        self.browser.fill(selector="input[type=search]", text="nothing such")
        self.wait_text(".empty", "No machine matches")
        self.browser.fill(selector="input[type=search]", text="")
        self.wait_text("tbody", "db")
        self.browser.choose(selector="[data-filter=show]", value="attention")
        self.wait_text(".empty", "No machine matches")
        self.root.set_attribute(1, "denied", 1)
        self.wait_text("tbody", "web")
        self.browser.choose(selector="[data-filter=show]", value="override")
        self.wait_text(".empty", "No machine matches")
        self.set_quota(DB, 100)
        self.wait_text("tbody", "persistent override")
        self.assertEqual(self.names(), ["db"])

    def test_rows_stay_while_pointed_at(self):
        self.open("machines")
        self.wait_text("tbody", "web")
        self.browser.hover(selector=f"tr[data-uuid='{DB}']")
        self.root.set_attribute(1, "allocated", 32)
        self.add_machine("apple", OTHER, 3, sets=[3])
        self.wait_text(f"tr[data-uuid='{WEB}']", "32 of 32")
        self.wait_text("tbody", "apple")
        self.assertEqual(self.names(), ["db", "web", "apple"])
        self.browser.unhover()
        self.root.set_attribute(2, "allocated", 1)
        self.wait_text(f"tr[data-uuid='{DB}']", "1 of 96")
        self.browser.wait(expression="() => document.querySelector('tbody th a').innerText === 'web'")

    def test_machines_come_and_go(self):
        self.open("machines")
        self.wait_text("tbody", "web")
        self.reserve(OTHER, "soon", quota=5)
        self.wait_text("tbody", "soon")
        self.wait_text(f"tr[data-uuid='{OTHER}']", "about to start")
        self.release(OTHER)
        self.wait_no_text("table", "soon")
        self.root.remove_set(1)
        self.root.remove_cgroup(self.web)
        self.machined.remove("qemu-1-web")
        self.wait_no_text("table", "web")

    def test_machine(self):
        self.root.set_attribute(1, "allocated", 7)
        self.root.set_attribute(1, "attached", 4)
        self.open("machines")
        self.wait_text("tbody", "web")
        self.click("text=web")
        self.wait_text("h1", "web")
        self.wait_text(".usage", "7 allocated, 4 attached of 32")
        self.wait_text("[data-set='1']", "7")
        self.wait_text(".tree", "persistent override")
        self.assertEqual(
            self.browser.evaluate(expression="() => [...document.querySelectorAll('.tree-node')].map((n) => n.dataset.kind)")[:3],
            ["host", "slice", "vm"],
        )
        self.assertIn("default", self.texts(".tree-wins")[-1])
        self.assertIn("sets the quota", self.texts(".tree-wins")[-1])
        self.assertIn(WEB, self.texts(".facts")[1])
        # The set's counts follow.
        self.root.set_attribute(1, "allocated", 9)
        self.root.set_attribute(1, "peak", 11)
        self.wait_text("[data-set='1']", "11")
        self.browser.wait(expression="() => document.querySelector('svg desc').textContent.startsWith('Now 9 allocated, 4 attached; the highest count was 9')")
        path = self.browser.attribute(selector=".plot-allocated", name="d")
        self.assertRegex(path, r"^M[\d.]+ [\d.]+H[\d.]+V[\d.]+H600$")
        self.assert_accessible()

    def test_explanation_follows(self):
        """What the host has is not the machine's, and has no signal."""
        self.open(f"machine/{WEB}")
        self.wait_text(".tree-node[data-kind=host]", "128 committed")
        self.root.write("sys/fs/cgroup/misc.current", "pasid 22222\npasid_attach 0\n")
        self.wait_text(".tree-node[data-kind=host]", "22,222 held")
        self.set_quota(DB, 100)
        self.wait_text(".tree-node[data-kind=host]", "132 committed")

    def test_history_of_another_view(self):
        """The history begins when the page is opened, not when the machine is looked at."""
        self.open()
        self.wait_state("ready")
        self.root.set_attribute(1, "allocated", 5)
        self.go("machines")
        self.wait_text("tbody", "5 of 32")
        self.root.set_attribute(1, "allocated", 2)
        self.wait_text("tbody", "2 of 32")
        self.go(f"machine/{WEB}")
        self.browser.wait(expression="() => document.querySelector('svg desc')?.textContent.includes('the highest count was 5')")

    def test_machine_ends(self):
        self.open(f"machine/{WEB}")
        self.wait_text("h1", "web")
        self.root.remove_set(1)
        self.root.remove_cgroup(self.web)
        self.machined.remove("qemu-1-web")
        self.wait_text(".empty", "This machine has ended")
        self.assertFalse(self.browser.visible(selector="[data-action=set]"))
        self.go(f"machine/{OTHER}")
        self.wait_text(".empty", "No such machine")
        self.click("text=Show all machines")
        self.wait_text("tbody", "db")

    def test_machine_returns(self):
        self.root.set_attribute(1, "denied", 3)
        self.open(f"machine/{WEB}")
        self.wait_text(".labels", "PASIDs denied")
        self.root.remove_set(1)
        self.root.remove_cgroup(self.web)
        self.machined.remove("qemu-1-web")
        self.wait_text(".empty", "This machine has ended")
        self.assertEqual(self.texts(".machine-head .labels"), [""])
        self.add_machine("web", WEB, 3, sets=[3])
        self.root.set_attribute(3, "denied", 3)
        self.wait_text(".machine-head .labels", "PASIDs denied")

    def test_not_in_force(self):
        self.root.block(f"sys/fs/cgroup{self.web}/misc.max")
        self.open(f"machine/{WEB}")
        self.wait_text("h1", "web")
        try:
            self.set_quota(WEB, 9)
        except BusError:
            pass
        self.root.config("[Manager]\nDefaultQuota=33\n")
        self.daemon.reload()
        self.wait_text(".alert-danger", "The quota is not in force")
        self.wait_text(".tree", "misc.max")
        self.go("machines")
        self.wait_text("tbody tr", "Quota not in force")

    def test_viommu(self):
        self.reserve(OTHER, "guest", metadata=("a(ss)", [("viommu-pasids", "1024"), ("iommufd", "yes")]), quota=10)
        self.open(f"machine/{OTHER}")
        self.wait_text(".alert-warning", "offers 1,024 PASIDs, its quota is 10")
        self.wait_text(".sets", "no PASID set yet")

    def test_slices(self):
        self.set_slice("machine.slice", 100)
        self.set_slice("machine-later.slice", 5)
        self.open("slices")
        self.wait_text("[data-slice='machine.slice']", "0 of 100")
        self.wait_text("[data-slice='machine.slice']", "128")
        self.wait_text("[data-slice='machine.slice']", "Overcommitted")
        self.wait_text("[data-slice='machine-later.slice']", "Not in force")
        self.assert_accessible()
        # An update changes the row, not the buttons.
        self.browser.evaluate(
            expression="""() => {
                window.row = document.querySelector("[data-slice='machine-later.slice']");
                row.querySelector("[data-action=reset]").focus();
            }"""
        )
        self.set_slice("machine-early.slice", 5)
        self.set_slice("machine-later.slice", 7)
        self.wait_text("[data-slice='machine-later.slice']", "0 of 7")
        self.reset_slice("machine-early.slice")
        self.wait_no_text("tbody", "machine-early.slice")
        self.assertTrue(self.browser.evaluate(expression="() => row.isConnected && row.contains(document.activeElement)"))
        self.reset_slice("machine.slice")
        self.wait_text("[data-slice='machine.slice']", "no limit")
        self.assertFalse(self.browser.visible(selector="[data-slice='machine.slice'] .bar"))

    def test_loading(self):
        """A view does not say that there is nothing before it was read."""
        self.set_quota(WEB, 40)
        self.open()
        self.wait_state("ready")
        self.browser.evaluate(
            expression="""() => {
                window.seen = [];
                new MutationObserver(() => window.seen.push(...[...document.querySelectorAll(".empty")].map((e) => e.innerText)))
                    .observe(document.body, { childList: true, subtree: true });
            }"""
        )
        for view, text in (("slices", "machine.slice"), ("events", "Quota changed"), (f"machine/{WEB}", "Quota changed")):
            self.go(view)
            self.wait_text("tbody", text)
            self.go("machines")
            self.wait_text("tbody", "db")
        seen = self.browser.evaluate(expression="() => window.seen")
        self.assertIn("Loading…", seen)
        self.assertEqual(set(seen), {"Loading…"})

    def test_events(self):
        self.set_quota(WEB, 40, runtime=True)
        self.open("events")
        self.wait_text("tbody tr", "Quota changed")
        # By name, and with the unit or process that the daemon has found.
        user = "root" if not IS_ROOT and os.geteuid() == 0 else subprocess.check_output(["id", "-nu", str(CALLER_UID)], text=True).strip()
        self.wait_text("tbody tr td:last-child", user)
        self.set_slice("machine.slice", 200)
        self.wait_text("tbody tr", "Limit of a slice changed")
        self.root.set_attribute(1, "denied", 2)
        self.wait_text("tbody tr", "PASIDs denied")
        # Newest first.
        self.assertIn("PASIDs denied", self.texts("tbody tr")[0])
        self.browser.choose(selector="[data-filter=show]", value="quota-changed")
        self.wait_no_text("tbody", "Limit of a slice changed")
        self.assertEqual(len(self.texts("tbody tr")), 1)
        self.browser.choose(selector="[data-filter=show]", value="")
        self.browser.fill(selector="input[type=search]", text="slice")
        self.wait_no_text("tbody", "Quota changed")
        self.browser.fill(selector="input[type=search]", text="")
        self.wait_text("tbody", "Quota changed")
        self.assert_accessible()
        self.click("tbody tr:first-child a")
        self.wait_text("h1", "web")
        self.wait_text("[data-event]", "PASIDs denied")
        self.assertEqual(len(self.texts("[data-event]")), 2)

    def test_link_to_cockpit_machines(self):
        """Only if that page is there."""
        self.open(f"machine/{WEB}")
        self.wait_text("h1", "web")
        self.assertFalse(self.browser.visible(selector="[data-action=jump]"))
        self.browser.evaluate(expression="() => { cockpit.manifests.machines = {}; window.jumps = []; cockpit.jump = (to) => window.jumps.push(to); }")
        self.set_quota(WEB, 7)
        self.wait_text(".facts", "7")
        self.click("[data-action=jump]")
        self.assertEqual(self.browser.evaluate(expression="() => window.jumps"), ["/machines#vm?name=web&connection=system"])


class Changes(CockpitTest):
    config = "[Manager]\nDefaultQuota=32\n"

    def setUp(self):
        super().setUp()
        self.cgroup = self.add_machine("web", WEB, 1, sets=[1])
        self.doctor(("kernel", "ok", "7.3 has it", ""))
        self.start()
        self.wait_vm("web")

    def open_machine(self):
        self.open(f"machine/{WEB}")
        self.wait_text("h1", "web")
        self.wait_text(".tree", "default")

    def dialog(self, action, **fields):
        self.click(f"[data-action={action}]")
        self.browser.wait(expression="() => document.querySelector('dialog')?.open")
        for name, text in fields.items():
            self.browser.fill(selector=f"dialog [data-field={name}]", text=text)

    def check(self):
        self.click("dialog [data-action=check]")

    def submit(self):
        self.click("dialog [data-action=submit]")

    def wait_closed(self):
        self.browser.wait(expression="() => !document.querySelector('dialog')")

    def test_set(self):
        self.open_machine()
        self.dialog("set", quota="48")
        self.assert_accessible()
        self.check()
        self.wait_text("dialog .would-change", "The quota would change from 32 to 48 (persistent override).")
        self.assertEqual(self.source(WEB), (32, "default"))
        self.submit()
        self.wait_closed()
        self.wait_text(".changed", "web: The quota has changed from 32 to 48 (persistent override).")
        self.assertEqual(self.source(WEB), (48, "persistent"))
        self.wait_text(".usage", "0 of 48")
        self.wait_text(".tree-wins", "persistent override")
        self.wait_text("[data-event]", "Quota changed")
        self.wait_quota(1, 48)
        # It is about this machine, not about the next view.
        self.go("machines")
        self.wait_text("tbody", "persistent override")
        self.assertEqual(self.browser.count(selector=".changed"), 0)

    def test_result_belongs_to_the_input(self):
        self.open_machine()
        self.dialog("set", quota="48")
        for change in (
            lambda: self.browser.fill(selector="dialog [data-field=quota]", text="49"),
            lambda: self.browser.check(selector="dialog input[value=runtime]"),
            lambda: self.browser.fill(selector="dialog [data-field=quota]", text="many"),
        ):
            self.check()
            self.wait_text("dialog .would-change", "The quota would change")
            change()
            self.assertEqual(self.texts("dialog .dialog-result"), [""])
        self.check()
        self.wait_text("dialog .field-error", "Enter a whole number.")
        self.assertEqual(self.texts("dialog .dialog-result"), [""])

    def test_answer_to_an_older_input(self):
        self.open_machine()
        self.dialog("set", quota="48")
        self.polkit.mode = "hold"
        self.check()
        self.wait_text("dialog [data-busy]", "Checking…")
        self.assertEqual(self.browser.attribute(selector="dialog [data-action=submit]", name="aria-disabled"), "true")
        wait_until(lambda: self.polkit.held, "polkit is asked")
        self.browser.fill(selector="dialog [data-field=quota]", text="50")
        self.assertEqual(self.texts("dialog .dialog-result"), [""])
        # While the first has no answer, the second is under way.
        self.browser.evaluate(
            expression="""() => {
                window.results = [];
                new MutationObserver(() => window.results.push(document.querySelector(".dialog-result").innerText))
                    .observe(document.querySelector(".dialog-result"), { childList: true });
            }"""
        )
        self.check()
        wait_until(lambda: len(self.polkit.held) == 2, "polkit is asked again")
        self.polkit.let_go()
        self.wait_text("dialog .would-change", "from 32 to 50")
        self.assertFalse([text for text in self.browser.evaluate(expression="() => window.results") if "to 48" in text])

    def test_busy(self):
        """A change that is under way cannot be cancelled, so the dialog stays until it has an answer."""
        self.open_machine()
        self.polkit.mode = "hold"
        self.dialog("set", quota="48")
        self.submit()
        self.wait_text("dialog [data-busy]", "Changing…")
        for action in ("check", "submit", "cancel"):
            self.assertEqual(self.browser.attribute(selector=f"dialog [data-action={action}]", name="aria-disabled"), "true")
        self.assert_accessible()
        wait_until(lambda: self.polkit.held, "polkit is asked")
        # Not by click(), which waits until a button is enabled.
        for action in ("check", "submit", "cancel"):
            self.browser.evaluate(expression="(action) => document.querySelector(`dialog [data-action=${action}]`).click()", argument=action)
        self.browser.press(key="Escape")
        self.browser.fill(selector="dialog [data-field=quota]", text="49")
        self.assertTrue(self.browser.evaluate(expression="() => document.querySelector('dialog').open"))
        self.wait_text("dialog [data-busy]", "Changing…")
        self.polkit.let_go()
        self.wait_closed()
        self.wait_text(".changed", "from 32 to 48")
        self.assertEqual(len(self.polkit.questions), 1)

    def test_refused_after_the_dialog(self):
        self.open_machine()
        self.polkit.mode = "hold"
        self.dialog("set", quota="48")
        self.submit()
        wait_until(lambda: self.polkit.held, "polkit is asked")
        # As a browser does at the second Escape.
        self.browser.evaluate(expression="() => document.querySelector('dialog').close()")
        self.wait_closed()
        self.root.block(f"sys/fs/cgroup{self.cgroup}/misc.max")
        self.polkit.let_go()
        self.wait_text(".notices .alert-danger", "The change failed, and nothing was changed")
        self.wait_text(".notices .alert-danger", "web: ")
        self.assert_accessible()

    def test_runtime_and_watermark(self):
        self.open_machine()
        self.dialog("set", quota="16", watermark="9")
        self.browser.check(selector="dialog input[value=runtime]")
        self.check()
        self.wait_text("dialog .would-change", "The watermark would change from off to 9.")
        self.submit()
        self.wait_closed()
        self.assertEqual(self.source(WEB), (16, "runtime"))
        self.assertEqual(self.get(WEB, "Watermark"), 9)
        self.assertEqual([row[0] for row in self.manager_call("ListOverrides")[0]], ["runtime"])

    def test_unchanged_watermark_is_not_set(self):
        self.set_quota(WEB, 5, watermark=3)
        self.open(f"machine/{WEB}")
        self.wait_text("h1", "web")
        self.dialog("set", quota="6")
        self.submit()
        self.wait_closed()
        self.assertEqual(self.get(WEB, "Watermark"), 3)

    def test_exceeds(self):
        self.root.set_attribute(1, "allocated", 20)
        self.open_machine()
        self.dialog("set", quota="8")
        self.check()
        self.wait_text("dialog .would-change", "It holds 20 PASIDs, 12 more than the quota.")

    def test_reset(self):
        self.set_quota(WEB, 64)
        self.set_quota(WEB, 10, runtime=True)
        self.open(f"machine/{WEB}")
        self.wait_text(".usage", "0 of 10")
        self.dialog("reset")
        self.browser.check(selector="dialog input[value=runtime]")
        self.check()
        self.wait_text("dialog .would-change", "The quota would change from 10 to 64 (persistent override).")
        self.browser.check(selector="dialog input[value=both]")
        self.submit()
        self.wait_closed()
        self.wait_text(".changed", "The quota has changed from 10 to 32 (default).")
        self.assertEqual(self.source(WEB), (32, "default"))

    def test_reset_of_a_changed_quota(self):
        """What the quota was before is not what it was when the dialog was opened."""
        self.set_quota(WEB, 64)
        self.set_default(30)
        self.set_slice("machine.slice", 500)
        for view, action, change, text in (
            (f"machine/{WEB}", "reset", lambda: self.set_quota(WEB, 10), "from 10 to 30"),
            ("overview", "reset-default", lambda: self.set_default(31), "from 31 to 32"),
            ("slices", "reset", lambda: self.set_slice("machine.slice", 400), "from 400 to none"),
        ):
            with self.subTest(view):
                self.open(view)
                self.browser.wait(expression="(action) => document.querySelector(`[data-action=${action}]`)", argument=action)
                self.dialog(action)
                change()
                self.wait_text("main", text.split()[1])
                self.submit()
                self.wait_closed()
                self.wait_text(".changed", text)

    def test_fields(self):
        self.open_machine()
        self.dialog("set", quota="many")
        self.submit()
        self.wait_text("dialog .field-error", "Enter a whole number.")
        self.assertEqual(self.browser.attribute(selector="[data-field=quota]", name="aria-invalid"), "true")
        self.browser.fill(selector="dialog [data-field=quota]", text="1048577")
        self.browser.fill(selector="dialog [data-field=watermark]", text="")
        self.submit()
        self.wait_text("dialog .field-error", "The maximum is 1,048,576.")
        self.assert_accessible()
        self.assertEqual(self.polkit.questions, [])
        self.browser.press(key="Escape")
        self.wait_closed()
        # The focus is where it was.
        self.assertEqual(self.browser.evaluate(expression="() => document.activeElement.dataset.action"), "set")

    def test_refused(self):
        for mode in ("no", "challenge"):
            with self.subTest(mode):
                self.polkit.mode = mode
                self.open_machine()
                self.dialog("set", quota="48")
                for step in (self.check, self.submit):
                    step()
                    self.wait_text("dialog .alert-danger", "Not permitted")
                    self.wait_text("dialog .alert-danger", "administrative access")
                self.assertIn("polkit", self.texts("dialog .alert-danger")[0])
                self.assertEqual(self.source(WEB), (32, "default"))
                self.assert_accessible()

    def test_kernel_refuses(self):
        self.open_machine()
        self.root.block(f"sys/fs/cgroup{self.cgroup}/misc.max")
        self.dialog("set", quota="48")
        self.submit()
        self.wait_text("dialog .alert-danger", "The change failed, and nothing was changed")
        self.assertEqual(self.get(WEB, "Quota"), 32)

    def test_machine_ends_meanwhile(self):
        self.open_machine()
        self.dialog("set", quota="48")
        self.root.remove_set(1)
        self.root.remove_cgroup(self.cgroup)
        self.machined.remove("qemu-1-web")
        self.wait_no_vm("web")
        self.submit()
        self.wait_text("dialog .alert-danger", "failed")

    def test_default(self):
        self.open()
        self.wait_state("ready")
        self.dialog("set-default", quota="50")
        self.check()
        self.wait_text("dialog .would-change", "The quota would change from 32 to 50 (persistent override).")
        self.submit()
        self.wait_closed()
        self.assertEqual(self.get_manager("DefaultQuota"), 50)
        self.wait_text(".facts", "50")
        self.dialog("reset-default")
        self.submit()
        self.wait_closed()
        self.wait_text(".changed", "The quota has changed from 50 to 32 (configuration).")
        self.assertEqual(self.get_manager("DefaultQuota"), 32)

    def test_slice(self):
        self.open("slices")
        self.wait_text("tbody", "machine.slice")
        self.dialog("set", quota="20")
        self.check()
        self.wait_text("dialog .would-change", "The limit would change from none to 20 (persistent override).")
        self.submit()
        self.wait_closed()
        self.assertEqual(self.slices()["machine.slice"][2], 20)
        self.wait_text("[data-slice='machine.slice']", "0 of 20")
        self.dialog("set", quota="")
        self.submit()
        self.wait_closed()
        self.wait_text(".changed", "The limit has changed from 20 to none")
        self.dialog("reset")
        self.submit()
        self.wait_closed()
        self.assertEqual(self.slices()["machine.slice"][0], "none")

    def test_keyboard(self):
        """Without a pointer: to the machine, its dialog, a change."""
        self.open("machines")
        self.wait_text("tbody", "web")
        for _ in range(30):
            self.browser.press(key="Tab")
            if self.browser.evaluate(expression="() => document.activeElement.closest('tbody') !== null"):
                break
        self.browser.press(key="Enter")
        self.wait_text("h1", "web")
        self.wait_text(".tree", "default")
        self.assertEqual(self.browser.evaluate(expression="() => document.activeElement.id"), "main")
        for _ in range(30):
            self.browser.press(key="Tab")
            if self.browser.evaluate(expression="() => document.activeElement.dataset.action === 'set'"):
                break
        self.browser.press(key="Enter")
        self.browser.wait(expression="() => document.activeElement.dataset.field === 'quota'")
        for key in ("5", "5", "Enter"):
            self.browser.press(key=key)
        self.wait_closed()
        self.assertEqual(self.source(WEB), (55, "persistent"))


class States(CockpitTest):
    """No machine, no PASIDs, no kernel, no daemon, no connection."""

    def setUp(self):
        super().setUp()
        self.doctor(("kernel", "ok", "7.3 has it", ""))

    def test_empty_host(self):
        self.start()
        self.open("machines")
        self.wait_text(".empty", "No machine is running")
        self.assert_accessible()
        self.go("events")
        self.wait_text(".empty", "No events")
        self.go("overview")
        self.wait_text("section", "No machine is running.")

    def test_idle_host(self):
        self.root.write("sys/fs/cgroup/misc.capacity", "pasid 0\n")
        self.start()
        self.open()
        self.wait_text(".alert-info", "This host has no PASIDs")
        self.assert_accessible()

    def test_no_kernel_support(self):
        self.doctor(("kernel", "fail", "6.1.0 has no module vfio_pasid", "install a kernel with the PASID quota patches, and boot it"))
        self.open()
        self.wait_state("absent")
        self.wait_text(".alert-danger", "This kernel has no PASID quotas")
        self.wait_text(".alert-danger", "6.1.0 has no module vfio_pasid")
        self.wait_text(".finding .command", "install a kernel with the PASID quota patches")
        self.assertFalse(self.browser.visible(selector="[data-action=start]"))
        self.assert_accessible()

    def test_configuration(self):
        self.doctor(("kernel", "ok", "", ""), ("configuration", "fail", "pasidd.conf:3: unknown key", "edit it"))
        self.open()
        self.wait_text(".alert-danger", "its configuration is not valid")
        self.wait_text(".alert-danger", "pasidd.conf:3")

    def test_no_daemon(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.open("machines")
        self.wait_state("absent")
        self.wait_text(".alert-danger", "pasidd does not run")
        self.wait_text(".alert-danger .command", "systemctl enable --now pasidd")
        self.assert_accessible()
        self.click("[data-action=start]")
        self.wait_text(".alert-danger .alert-danger", "Turn on administrative access")
        # It starts by other means: the page notices by itself.
        self.start()
        self.wait_text("tbody", "web")

    def test_start(self):
        """systemctl is called, and starts it."""
        flag = self.home / "asked"
        self.program("systemctl", f'[ "$*" = "start pasidd.service" ] && touch {flag}')
        self.open()
        self.wait_text(".alert-danger", "pasidd does not run")
        self.click("[data-action=start]")
        wait_until(flag.exists, "systemctl is called")
        self.start()
        self.wait_text(".alert-success", "pasidd is running")

    def test_daemon_stops_and_returns(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        self.open("machines")
        self.wait_text("tbody", "web")
        self.daemon.stop()
        self.wait_text(".alert-danger", "pasidd does not run")
        self.assertEqual(self.browser.count(selector="tbody"), 0)
        self.root.set_attribute(1, "allocated", 3)
        self.start()
        self.wait_text("tbody", "3 of 1,000")
        # Live again.
        self.root.set_attribute(1, "allocated", 4)
        self.wait_text("tbody", "4 of 1,000")

    def test_connection_lost(self):
        self.allowed_problems = ("WebSocket", "ERR_CONNECTION", "disconnected", "transport closed")
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        self.open("machines")
        self.wait_text("tbody", "web")
        bridges = subprocess.check_output(["pgrep", "-P", str(self.ws.pid)], text=True).split()
        self.assertEqual(len(bridges), 1)
        os.kill(int(bridges[0]), signal.SIGKILL)
        self.wait_text(".alert-danger", "The connection to the host is lost")
        # What was known stays.
        self.assertIn("web", self.texts("tbody")[0])
        self.assert_accessible()

    def test_connection_lost_while_absent(self):
        self.allowed_problems = ("WebSocket", "ERR_CONNECTION", "disconnected", "transport closed")
        self.open()
        self.wait_state("absent")
        (bridge,) = subprocess.check_output(["pgrep", "-P", str(self.ws.pid)], text=True).split()
        os.kill(int(bridge), signal.SIGKILL)
        self.wait_text(".alert-danger", "The connection to the host is lost")

    def test_bus_lost(self):
        self.start()
        self.open()
        self.wait_state("ready")
        os.kill(self.bus.process.pid, signal.SIGKILL)
        self.browser.wait(expression="() => ['lost', 'absent'].includes(document.documentElement.dataset.state)")

    def test_too_many_subscribers(self):
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        clients = []
        try:
            while len(clients) < 2000:
                client = self.bus.connect(CALLER_UID)
                clients.append(client)
                self.manager_call("Subscribe", client=client)
        except (BusError, OSError) as error:
            if not isinstance(error, BusError) or not error.name.endswith("LimitsExceeded"):
                for client in clients:
                    client.close()
                self.skipTest(f"the bus has fewer connections than the daemon has places: {error}")
        # A place on the bus for Cockpit.
        clients.pop().close()
        self.open("machines")
        self.wait_text("tbody", "web")
        self.wait_text(".alert-warning", "Usage is not live")
        for client in clients:
            client.close()
        self.click("text=Read again")
        self.browser.wait(expression="() => !document.querySelector('.alert-warning')")

    def test_hidden(self):
        """A hidden page asks for nothing; a visible one is up to date again."""
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        self.open("machines")
        self.wait_text("tbody", "web")
        self.root.set_attribute(1, "allocated", 3)
        self.wait_text("tbody", "3 of 1,000")
        self.hide(True)
        # The daemon reads no usage for it any more.
        wait_until(self.is_quiet, "the page has no subscription")
        self.root.set_attribute(1, "allocated", 5)
        frames = self.quiet_frames()
        # Longer than all timers of the page: not even a ping.
        time.sleep(7)
        self.assertEqual(self.browser.frames()["sent"], frames)
        self.assertIn("3 of 1,000", self.texts("tbody")[0])
        self.hide(False)
        self.wait_text("tbody", "5 of 1,000")
        self.root.set_attribute(1, "allocated", 6)
        self.wait_text("tbody", "6 of 1,000")

    def is_quiet(self):
        """Whether a count changes without a signal, for more than three turns of the daemon's."""
        self.client.forget_signals()
        self.root.set_attribute(1, "allocated", self.root.set_value(1, "allocated") + 1)
        time.sleep(1.6)
        self.client.sync()
        return not [s for s in self.client.signals if s.member == "PropertiesChanged" and "Allocated" in s.args[1]]

    def hide(self, hidden):
        self.browser.evaluate(
            expression="(hidden) => { cockpit.hidden = hidden; cockpit.dispatchEvent('visibilitychange'); }", argument=hidden
        )

    def quiet_frames(self):
        """The number of frames sent, when the page has closed what it closes."""
        before = -1
        while (sent := self.browser.frames()["sent"]) != before:
            before = sent
            time.sleep(0.5)
        return sent


class Names(CockpitTest):
    HOSTILE = {
        "html": '<img src=x onerror="document.title=1"><b>&lt;',
        "rtl": "\u202egnp.exe\u2066",
        "hebrew": "\u05d0\u05d1\u05d2 (1)",
        "long": "x" * 255,
        "script": "</script><script>alert(1)</script>",
        "format": "$0 $1 %s {0}",
        "path": "../../etc",
        "blanks": "  a  ",
    }

    def test_hostile(self):
        self.doctor(("kernel", "fail", "<b>bold</b>\u202e", "<i>x</i>"))
        self.start()
        uuids = {}
        for i, (key, name) in enumerate(self.HOSTILE.items()):
            uuids[key] = f"aaaabbbb-0000-4000-8000-{i + 100:012x}"
            self.reserve(uuids[key], name, quota=7, metadata=("a(ss)", [(name[:50], name)]))
            self.set_quota(uuids[key], 8)
        self.open("machines")
        self.wait_text("tbody", "x" * 255)
        shown = {key: self.texts(f"tr[data-uuid='{uuid}'] a")[0] for key, uuid in uuids.items()}
        self.assertEqual(shown["html"], self.HOSTILE["html"])
        self.assertEqual(shown["rtl"], "\\u{202e}gnp.exe\\u{2066}")
        self.assertEqual(shown["hebrew"], self.HOSTILE["hebrew"])
        self.assertEqual(shown["long"], self.HOSTILE["long"])
        self.assertEqual(shown["script"], self.HOSTILE["script"])
        self.assertEqual(shown["blanks"], "\u2423\u2423a\u2423\u2423")
        # The page does not become wider than the window, nor gets elements from a name.
        self.assert_fits()
        self.assert_no_elements()
        for view in ("overview", "events"):
            self.go(view)
            self.wait_text("main", "gnp.exe") if view == "events" else self.wait_text(".finding", "<b>bold</b>\\u{202e}")
            self.assert_fits()
            self.assert_no_elements()
        for key, uuid in uuids.items():
            with self.subTest(key):
                self.go(f"machine/{uuid}")
                self.wait_text("h1", shown[key])
                self.wait_text(".tree", "persistent override")
                self.assert_fits()
                self.assert_no_elements()
                self.click("[data-action=set]")
                self.wait_text("dialog h1", shown[key])
                self.click("dialog [data-action=check]")
                self.wait_text("dialog", "would stay 8")
                self.browser.press(key="Escape")
                self.browser.wait(expression="() => !document.querySelector('dialog')")
        self.assertEqual(self.browser.evaluate(expression="() => document.title"), "PASIDs")

    def assert_fits(self):
        sizes = self.browser.evaluate(expression="() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        self.assertLessEqual(*sizes)

    def assert_no_elements(self):
        self.assertEqual(self.browser.count(selector="#page img, #page b, #page i, #page script"), 0)

    def test_empty_name(self):
        """A machine without a name, as far as the daemon accepts it: from the bus itself, so the page must not rely on it."""
        self.start()
        self.open("machines")
        self.wait_text(".empty", "No machine is running")
        self.browser.evaluate(
            expression="""() => import("./parts.js").then(({ nameNode }) => {
                document.querySelector("main").append(nameNode(""));
            })"""
        )
        self.wait_text("main > bdi", "(no name)")


class Translation(CockpitTest):
    """A translation that puts each text in brackets: what is seen without brackets cannot be translated."""

    config = "[Manager]\nDefaultQuota=32\n"
    # What is not the page's: of tenants, of systemd, of pasidctl; and what is the same in all languages.
    DATA = re.compile(r"\b(web|qemu-1-web|machine|slice|scope|misc\.max|UUID|PASIDs?|root|nobody|kernel|hook|default_quota|vfio_pasid)\b")

    def translate(self, language):
        """By the program that makes the translations of the package."""
        text = (SOURCE / "cockpit/po/cockpit-pasidd.pot").read_text()
        text = re.sub(r'msgid "(.+)"\nmsgstr ""', r'msgid "\1"\nmsgstr "[[\1]]"', text)
        text = re.sub(
            r'msgid "(.+)"\nmsgid_plural "(.+)"\nmsgstr\[0\] ""\nmsgstr\[1\] ""',
            r'msgid "\1"\nmsgid_plural "\2"\nmsgstr[0] "[[\1]]"\nmsgstr[1] "[[\2]]"',
            text,
        )
        text = text.replace('"Language: ', f'"Language: {language}').replace("nplurals=INTEGER; plural=EXPRESSION;", "nplurals=2; plural=(n != 1);")
        po = self.directory / f"{language}.po"
        po.write_text(text)
        script = subprocess.check_output([SOURCE / "cockpit/po/to-js", po])
        (self.home / f".local/share/cockpit/pasids/po.{language}.js").write_bytes(script)

    def test_plural_forms(self):
        """Of a translation, only its texts and C's operators get into the script."""
        po = self.directory / "xx.po"
        for plural, valid in (("(n%10==1 && n%100!=11 ? 0 : 1)", True), ("alert(1)", False), ("0}},f(),{a:{b:n", False)):
            with self.subTest(plural):
                po.write_text(f'msgid ""\nmsgstr ""\n"Language: xx\\n"\n"Plural-Forms: nplurals=2; plural={plural};\\n"\n\nmsgid "a"\nmsgstr "</script>\\"b"\n')
                done = subprocess.run([SOURCE / "cockpit/po/to-js", po], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode == 0, valid, done.stderr)
                self.assertEqual(r'"a":[null, "</script>\"b"]' in done.stdout, valid)

    def untranslated(self):
        return self.browser.evaluate(
            expression="""() => {
                const found = [];
                const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) {
                    const { data, parentElement } = walker.currentNode;
                    if (!parentElement.closest("script, code, bdi"))
                        found.push(data);
                }
                for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]"))
                    for (const name of ["aria-label", "title", "placeholder"])
                        found.push(element.getAttribute(name) ?? "");
                return found.filter((text) => /\\p{L}{2}/u.test(text.replaceAll(/\\[\\[.*\\]\\]/g, "")));
            }"""
        )

    def assert_translated(self):
        self.assertEqual([text for text in self.untranslated() if re.search("[A-Za-z]{2}", self.DATA.sub("", text))], [])

    def test_pseudo(self):
        self.doctor(("kernel", "ok", "", ""), ("hook", "fail", "", "ln -s"))
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        self.root.set_attribute(1, "denied", 3)
        self.set_quota(WEB, 40)
        languages = (("de", "ltr"), ("he", "rtl"))
        # The bridge of Debian 13 lists the files when it starts.
        for language, _ in languages:
            self.translate(language)
        for language, direction in languages:
            with self.subTest(language):
                self.open(locale=language)
                self.wait_text(".attention", "[[PASIDs denied]]")
                self.wait_text("section", "[[1 check without a finding]]")
                self.assertEqual(
                    self.browser.evaluate(expression="() => [document.documentElement.lang, document.documentElement.dir]"), [language, direction]
                )
                for view, text in (
                    ("overview", "[[Check again]]"),
                    ("machines", "[[persistent override]]"),
                    ("slices", "[[Slice"),
                    ("events", "[[Quota changed]]"),
                    (f"machine/{WEB}", "[[sets the quota]]"),
                ):
                    self.go(view)
                    self.wait_text("main", text)
                    self.assert_translated()
                    self.assert_accessible()
                    self.assertLessEqual(
                        *self.browser.evaluate(expression="() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
                    )
                self.click("[data-action=set]")
                self.wait_text("dialog", "[[Check only]]")
                self.assert_translated()
                self.polkit.mode = "hold"
                self.click("dialog [data-action=submit]")
                self.wait_text("dialog", "[[Changing…]]")
                self.assert_translated()
                wait_until(lambda: self.polkit.held, "polkit is asked")
                self.polkit.let_go()
                self.wait_text(".notices", "[[Changed]]")
                self.assert_translated()


class Shell(CockpitTest):
    """The page in Cockpit's shell: menu, address, theme."""

    def test_shell(self):
        self.doctor(("kernel", "ok", "7.3 has it", ""))
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        self.begin()
        self.browser.open(url=f"{self.url}/pasids#/machines")
        # The shell has its own, as there are neither a login nor packages here.
        self.is_problem = lambda problem: "/pasids/" in problem
        self.addCleanup(self.check_problems)
        self.browser.frame(name="cockpit1:localhost/pasids")
        self.wait_text("tbody", "web")
        self.click("tbody a")
        self.wait_text("h1", "web")
        self.browser.top()
        self.assertIn(f"/pasids#/machine/{WEB}", self.browser.evaluate(expression="() => window.location.href"))
        self.wait_text("nav", "PASIDs")
        # As the shell's menu does.
        self.browser.frame(name="cockpit1:localhost/pasids")
        for style, dark in (("dark", True), ("light", False)):
            self.browser.evaluate(
                expression="(style) => { localStorage.setItem('shell:style', style); "
                "window.dispatchEvent(new CustomEvent('cockpit-style', { detail: { style } })); }",
                argument=style,
            )
            self.assertEqual(self.browser.evaluate(expression="() => document.documentElement.classList.contains('dark')"), dark)
        self.browser.top()

    def test_dark(self):
        self.doctor(("kernel", "warn", "not loaded", "modprobe vfio_pasid"))
        self.add_machine("web", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("web")
        self.root.set_attribute(1, "denied", 3)
        self.open(dark=True)
        self.wait_text(".attention", "web")
        self.wait_text(".finding", "modprobe")
        self.assert_accessible()
        for view in ("machines", "slices", "events", f"machine/{WEB}"):
            self.go(view)
            self.wait_text("main", "web" if view != "slices" else "machine.slice")
            self.assert_accessible()
        self.browser.colors(dark=False)
        self.browser.wait(expression="() => !document.documentElement.classList.contains('dark')")

    def test_narrow(self):
        self.doctor(("kernel", "ok", "", ""))
        self.add_machine("a-machine-with-quite-a-long-name", WEB, 1, sets=[1])
        self.start()
        self.wait_vm("a-machine-with-quite-a-long-name")
        self.root.set_attribute(1, "denied", 3)
        self.open(width=360, height=740)
        self.wait_text(".attention", "long-name")
        for view in ("overview", "machines", "slices", "events", f"machine/{WEB}"):
            with self.subTest(view):
                self.go(view)
                self.wait_text("main", "long-name" if view != "slices" else "machine.slice")
                self.assertLessEqual(
                    *self.browser.evaluate(expression="() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
                )
                self.assert_accessible()


class Many(CockpitTest):
    """1 000 machines: how long until they are on the page, and an update."""

    def test_many(self):
        self.doctor(("kernel", "ok", "", ""))
        for i in range(1, MACHINES + 1):
            self.add_machine(f"vm{i:04}", f"aaaabbbb-0000-4000-8000-{i:012x}", i, sets=[i])
        self.start_quietly()
        self.begin()
        begin = time.monotonic()
        self.open("machines")
        self.wait_text("main", "1,000 machines")
        self.wait_text("tbody", "vm0001")
        first = time.monotonic() - begin
        # Of the last large thing that was painted: the table. Without the start of Cockpit and of the browser's page.
        painted = self.browser.evaluate(
            expression="""() => new Promise((resolve) => new PerformanceObserver((list) =>
                resolve(list.getEntries().at(-1).startTime / 1000)).observe({ type: "largest-contentful-paint", buffered: true }))"""
        )
        self.assertEqual(self.browser.count(selector="tbody tr"), 100)
        self.wait_text(".pager-status", "1 to 100 of 1,000")
        self.click("text=Next")
        self.wait_text("tbody", "vm0101")
        self.click("text=Previous")
        self.browser.unhover()

        begin = time.monotonic()
        self.root.set_attribute(777, "allocated", 990)
        self.wait_text("tbody tr:first-child", "vm0777")
        update = time.monotonic() - begin

        # All busy: the page keeps up, which the last machine to change shows.
        begin = time.monotonic()
        for turn in range(1, 4):
            for i in range(1, MACHINES + 1):
                self.root.set_attribute(i, "allocated", turn * 100 + i % 100)
        self.root.set_attribute(5, "allocated", 999)
        self.wait_text("tbody tr:first-child", "vm0005")
        busy = time.monotonic() - begin
        longest = self.browser.evaluate(
            expression="""() => new Promise((resolve) => {
                // The longest time in which the page does not react, while updates arrive.
                let last = performance.now(), longest = 0;
                const timer = setInterval(() => {
                    const now = performance.now();
                    longest = Math.max(longest, now - last);
                    last = now;
                }, 10);
                setTimeout(() => { clearInterval(timer); resolve(longest); }, 3000);
            })"""
        )
        resident = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii").read())[1])
        print(
            f"# {MACHINES} machines: on the page after {first:.2f} s ({painted:.2f} s after the navigation), an update after {update:.2f} s, 3 turns of all after "
            f"{busy:.1f} s, the longest pause {longest:.0f} ms, heap of the page {self.browser.memory() / 2**20:.1f} MiB, "
            f"daemon {resident / 1024:.1f} MiB"
        )
        self.assertEqual(self.browser.count(selector="tbody tr"), 100)
        self.assert_accessible()


if __name__ == "__main__":
    main()
