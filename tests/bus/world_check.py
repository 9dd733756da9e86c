# SPDX-License-Identifier: LGPL-2.1-or-later
"""Invariants of the random world: what must hold whenever it rests."""

import os
import statistics
import time

from testenv import BUS_NAME, MANAGER, MANAGER_PATH, PROPERTIES, VM

# CPU time, so that the load of the machine does not matter.
ANSWER_CPU_SECONDS = 1.0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def hang_guard(connection):
    """Timeout in seconds that means a hang, given the current load of the machine."""
    times = []
    for _ in range(5):
        begin = time.monotonic()
        connection.call_driver("GetId")
        times.append(time.monotonic() - begin)
    return max(20.0, 2000 * statistics.median(times))


def observe(connection, timeout):
    (objects,) = connection.call(
        BUS_NAME, MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", timeout=timeout
    )
    vms = {}
    for interfaces in objects.values():
        if VM in interfaces:
            vms[interfaces[VM]["UUID"]] = interfaces[VM]
    (rows,) = connection.call(BUS_NAME, MANAGER_PATH, MANAGER, "ListVMs", timeout=timeout)
    return vms, rows


def difference_of_vm(root, uuid, expected, actual):
    found = []

    def compare(what, should, is_):
        if should != is_:
            found.append(f"{expected.name} ({uuid}): {what} should be {should!r}, is {is_!r}")

    for name, should in (
        ("Name", expected.name),
        ("State", expected.state),
        ("Quota", expected.quota),
        ("QuotaSource", expected.source),
        ("Watermark", expected.watermark),
        ("ControlGroup", expected.cgroup),
    ):
        if should is not None:
            compare(name, should, actual[name])
    compare("Sets", sorted(expected.sets), sorted(s[0] for s in actual["Sets"]))
    if expected.limited:
        compare("misc.max", f"pasid {expected.quota}", root.limit(expected.cgroup))
    if expected.limited or expected.sets:
        compare("QuotaInForce", (True, ""), (actual["QuotaInForce"], actual["QuotaError"]))
    for set_id in expected.sets:
        compare(f"quota of set {set_id}", expected.quota, read(root, set_id, "quota"))
        compare(f"watermark of set {set_id}", expected.watermark, read(root, set_id, "watermark"))
    return found


def read(root, set_id, name):
    """A write by the daemon has two steps here; the first truncates the file."""
    text = root.read(f"sys/class/vfio_pasid/set{set_id}/{name}").strip()
    return int(text) if text else None


def differences(root, model, connection, timeout):
    """Lists the differences from the expected state."""
    expected = model.expected()
    actual, rows = observe(connection, timeout)
    found = []
    for uuid in expected.keys() - actual.keys():
        found.append(f"{expected[uuid].name} ({uuid}): lost")
    for uuid in actual.keys() - expected.keys():
        found.append(f"{actual[uuid]['Name']} ({uuid}): there, and should not be")
    for uuid in expected.keys() & actual.keys():
        found += difference_of_vm(root, uuid, expected[uuid], actual[uuid])
    listed = [uuid for uuid, _, _ in rows]
    for uuid in {u for u in listed if listed.count(u) > 1}:
        found.append(f"{uuid}: listed twice")

    default = root.read("sys/module/vfio_pasid/parameters/default_quota").strip()
    if default != str(model.default_quota()[0]):
        found.append(f"default_quota should be {model.default_quota()[0]}, is {default!r}")
    for slice_name in ("machine.slice",) + (("tenant.slice",) if model.tenant_exists else ()):
        if "+misc" not in root.read(f"sys/fs/cgroup/{slice_name}/cgroup.subtree_control"):
            found.append(f"{slice_name}: +misc is missing")
    if model.tenant_exists and root.limit("/tenant.slice") != f"pasid {model.slice_limit()}":
        found.append(f"tenant.slice should have {model.slice_limit()}, has {root.limit('/tenant.slice')!r}")
    return sorted(found)


def answer_cost(connection, pid, timeout):
    """CPU time of the daemon from a call to its answer, including delayed work."""
    before = cpu_seconds(pid)
    connection.call(BUS_NAME, MANAGER_PATH, PROPERTIES, "Get", "ss", (MANAGER, "State"), timeout=timeout)
    return cpu_seconds(pid) - before
