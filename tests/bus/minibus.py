# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small D-Bus connection that only uses the standard library.

It has features that tests need and other tools lack: errors by name, arguments of wrong types, services, and
connections as another user. Values are plain Python values. A variant is a pair (signature, value) in sent messages and
the bare value in received messages.
"""

import os
import socket
import struct
import threading
import time
from collections import namedtuple

# Timeout in seconds, long enough for a busy machine. No test measures time by it.
HANG_GUARD = 60

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY_EXPECTED = 1
ALLOW_INTERACTIVE = 4

FIXED = {
    "y": ("B", 1),
    "b": ("I", 4),
    "n": ("h", 2),
    "q": ("H", 2),
    "i": ("i", 4),
    "u": ("I", 4),
    "x": ("q", 8),
    "t": ("Q", 8),
    "d": ("d", 8),
}
ALIGN = {"s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "(": 8, "{": 8, **{k: v[1] for k, v in FIXED.items()}}

PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS = range(1, 10)
FIELD_TYPES = {
    PATH: "o",
    INTERFACE: "s",
    MEMBER: "s",
    ERROR_NAME: "s",
    REPLY_SERIAL: "u",
    DESTINATION: "s",
    SENDER: "s",
    SIGNATURE: "g",
    UNIX_FDS: "u",
}

Message = namedtuple("Message", "type flags serial fields args")
Signal = namedtuple("Signal", "path interface member args")


class BusError(Exception):
    """An error reply."""

    def __init__(self, name, message=""):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def split_types(signature):
    """Yields the complete types of a signature."""
    pos = 0
    while pos < len(signature):
        start = pos
        while signature[pos] == "a":
            pos += 1
        if signature[pos] in "({":
            depth = 0
            while True:
                depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(signature[pos], 0)
                pos += 1
                if depth == 0:
                    break
        else:
            pos += 1
        yield signature[start:pos]


class Writer:
    def __init__(self):
        self.data = bytearray()

    def align(self, n):
        self.data += bytes(-len(self.data) % n)

    def string(self, value, length_format):
        raw = value.encode() if isinstance(value, str) else value
        self.align(struct.calcsize(length_format))
        self.data += struct.pack("<" + length_format, len(raw)) + raw + b"\0"

    def put(self, kind, value):
        first = kind[0]
        if first in FIXED:
            code, size = FIXED[first]
            self.align(size)
            self.data += struct.pack("<" + code, value)
        elif first in "so":
            self.string(value, "I")
        elif first == "g":
            self.string(value, "B")
        elif first == "v":
            self.string(value[0], "B")
            self.put(*value)
        elif first == "a":
            self.array(kind[1:], value)
        else:
            self.align(8)
            for part, item in zip(split_types(kind[1:-1]), value, strict=True):
                self.put(part, item)

    def array(self, item_kind, value):
        self.align(4)
        at = len(self.data)
        self.data += bytes(4)
        self.align(ALIGN[item_kind[0]])
        start = len(self.data)
        for item in value.items() if isinstance(value, dict) else value:
            self.put(item_kind, item)
        self.data[at : at + 4] = struct.pack("<I", len(self.data) - start)


class Reader:
    def __init__(self, data, big_endian=False):
        self.data = data
        self.pos = 0
        self.order = ">" if big_endian else "<"

    def align(self, n):
        self.pos += -self.pos % n

    def fixed(self, code):
        size = struct.calcsize(code)
        self.align(size)
        (value,) = struct.unpack_from(self.order + code, self.data, self.pos)
        self.pos += size
        return value

    def string(self, length_format):
        n = self.fixed(length_format)
        raw = self.data[self.pos : self.pos + n]
        self.pos += n + 1
        return raw.decode()

    def get(self, kind):
        first = kind[0]
        if first == "b":
            return bool(self.fixed("I"))
        if first in FIXED:
            return self.fixed(FIXED[first][0])
        if first in "so":
            return self.string("I")
        if first == "g":
            return self.string("B")
        if first == "v":
            return self.get(self.string("B"))
        if first == "a":
            return self.array(kind[1:])
        self.align(8)
        return tuple(self.get(part) for part in split_types(kind[1:-1]))

    def array(self, item_kind):
        n = self.fixed("I")
        self.align(ALIGN[item_kind[0]])
        end = self.pos + n
        items = []
        while self.pos < end:
            items.append(self.get(item_kind))
        if item_kind[0] == "{":
            return dict(items)
        return bytes(items) if item_kind == "y" else items


def encode(kind, serial, fields, signature="", args=(), flags=0):
    body = Writer()
    for part, value in zip(split_types(signature), args, strict=True):
        body.put(part, value)
    if signature:
        fields = {**fields, SIGNATURE: signature}

    header = Writer()
    header.data += struct.pack("<cBBBII", b"l", kind, flags, 1, len(body.data), serial)
    header.array("(yv)", [(code, (FIELD_TYPES[code], value)) for code, value in fields.items() if value is not None])
    header.align(8)
    return bytes(header.data + body.data)


class Connection:
    """A connection to the bus. A thread reads; any other thread can make calls.

    uid: the user to connect as; another user requires root.
    """

    def __init__(self, socket_path, uid=None):
        self.lock = threading.Condition()
        self.serial = 0
        self.replies = {}
        self.signals = []
        self.handlers = {}
        self.closed = False
        self.uid = os.geteuid() if uid is None else uid

        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self._connect(socket_path)
        self._authenticate()
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self._read_all, daemon=True)
        self.thread.start()
        self._begin()

    def _begin(self):
        (self.name,) = self.call_driver("Hello")

    def _connect(self, socket_path):
        # The bus uses the credentials at the time of connect().
        before = os.geteuid()
        if self.uid != before:
            os.seteuid(self.uid)
        try:
            self.socket.connect(socket_path)
        finally:
            if self.uid != before:
                os.seteuid(before)

    def _authenticate(self):
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(self.uid).encode().hex().encode() + b"\r\n")
        line = self.socket.recv(4096)
        if not line.startswith(b"OK "):
            raise ConnectionError(f"the bus refuses uid {self.uid}: {line!r}")
        self.socket.sendall(b"BEGIN\r\n")

    def close(self):
        with self.lock:
            self.closed = True
            self.lock.notify_all()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join()
        self.socket.close()

    def _receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the bus closed the connection")
            data += more
        return data

    def _read_message(self):
        head = self._receive(16)
        order = ">" if head[0:1] == b"B" else "<"
        kind, flags = head[1], head[2]
        body_size, serial, fields_size = struct.unpack(order + "III", head[4:])
        rest = self._receive(fields_size + -fields_size % 8 + body_size)

        reader = Reader(head + rest, order == ">")
        reader.pos = 12
        fields = dict(reader.get("a(yv)"))
        body = Reader((head + rest)[len(head) + len(rest) - body_size :], order == ">")
        args = tuple(body.get(part) for part in split_types(fields.get(SIGNATURE, "")))
        return Message(kind, flags, serial, fields, args)

    def _read_all(self):
        try:
            while True:
                message = self._read_message()
                if message.type == CALL:
                    self._handle(message)
                    continue
                with self.lock:
                    if message.type == SIGNAL:
                        self.signals.append(
                            Signal(
                                message.fields[PATH], message.fields[INTERFACE], message.fields[MEMBER], message.args
                            )
                        )
                    else:
                        self.replies[message.fields[REPLY_SERIAL]] = message
                    self.lock.notify_all()
        except OSError:
            with self.lock:
                self.closed = True
                self.lock.notify_all()

    def _send(self, kind, fields, signature="", args=(), flags=0):
        with self.lock:
            self.serial += 1
            serial = self.serial
            self.socket.sendall(encode(kind, serial, fields, signature, args, flags))
        return serial

    # Client side.

    def send(self, destination, path, interface, member, signature="", args=(), flags=0):
        """Sends a call without waiting. Pass the result to reply()."""
        fields = {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: destination}
        return self._send(CALL, fields, signature, args, flags)

    def reply(self, serial, timeout=HANG_GUARD):
        """The arguments of the reply to a call that was sent."""
        with self.lock:
            if not self.lock.wait_for(lambda: serial in self.replies or self.closed, timeout):
                raise TimeoutError("no reply")
            if serial not in self.replies:
                raise ConnectionError("the bus closed the connection")
            message = self.replies.pop(serial)
        if message.type == ERROR:
            raise BusError(message.fields[ERROR_NAME], message.args[0] if message.args else "")
        return message.args

    def call(self, destination, path, interface, member, signature="", args=(), timeout=HANG_GUARD, flags=0):
        return self.reply(self.send(destination, path, interface, member, signature, args, flags), timeout)

    def call_driver(self, member, signature="", args=()):
        return self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member, signature, args)

    def add_match(self, rule):
        self.call_driver("AddMatch", "s", (rule,))

    def wait_signal(self, member, condition=lambda args: True, timeout=HANG_GUARD):
        """Waits for the first signal with this name that satisfies the condition, and removes it from the list."""

        def find():
            for i, signal in enumerate(self.signals):
                if signal.member == member and condition(signal.args):
                    return i + 1
            return 0

        with self.lock:
            i = self.lock.wait_for(find, timeout)
            if not i:
                seen = [(s.member, s.args) for s in self.signals]
                raise TimeoutError(f"no signal {member}; those that came: {seen}")
            return self.signals.pop(i - 1)

    def forget_signals(self):
        with self.lock:
            self.signals.clear()

    def sync(self):
        """Waits until all messages sent by the bus so far have arrived."""
        self.call_driver("GetId")

    # Service side.

    def request_name(self, name):
        """A connection that was closed owns its names until the bus has noticed the end."""
        wait_until(lambda: self.call_driver("RequestName", "su", (name, 4)) == (1,), f"{name} is free")

    def release_name(self, name):
        self.call_driver("ReleaseName", "s", (name,))

    def handle(self, interface, member, handler):
        """handler(message) returns (signature, args), raises BusError, or returns None to answer later or not at all."""
        self.handlers[interface, member] = handler

    def _handle(self, message):
        handler = self.handlers.get((message.fields.get(INTERFACE), message.fields[MEMBER]))
        try:
            if not handler:
                raise BusError("org.freedesktop.DBus.Error.UnknownMethod", message.fields[MEMBER])
            answer = handler(message)
        except BusError as e:
            self.answer_error(message, e)
        else:
            if answer:
                self.answer(message, *answer)

    def answer(self, message, signature, args):
        fields = {REPLY_SERIAL: message.serial, DESTINATION: message.fields[SENDER]}
        self._send(RETURN, fields, signature, args, NO_REPLY_EXPECTED)

    def answer_error(self, message, error):
        fields = {
            REPLY_SERIAL: message.serial,
            DESTINATION: message.fields[SENDER],
            ERROR_NAME: error.name,
        }
        self._send(ERROR, fields, "s", (error.message,), NO_REPLY_EXPECTED)

    def emit(self, path, interface, member, signature="", args=(), destination=None):
        """Sends a signal to all listeners, or to one connection."""
        fields = {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: destination}
        self._send(SIGNAL, fields, signature, args)


class PeerConnection(Connection):
    """A connection to a service, without a bus."""

    def _authenticate(self):
        # In one write, like sd-bus: its server misses a message that it has read together with BEGIN.
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(self.uid).encode().hex().encode() + b"\r\nBEGIN\r\n")
        line = self.socket.recv(4096)
        if not line.startswith(b"OK "):
            raise ConnectionError(f"the service refuses uid {self.uid}: {line!r}")

    def _begin(self):
        self.name = None


class MonitorConnection(Connection):
    """Sees each message on the bus. Only root and the bus's own user may do that."""

    def _begin(self):
        super()._begin()
        self.calls = []
        self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Monitoring", "BecomeMonitor", "asu", ([], 0))

    def _handle(self, message):
        with self.lock:
            self.calls.append(message)
            self.lock.notify_all()

    def wait_call(self, interface, member, timeout=HANG_GUARD):
        """Waits until somebody has called this method since the start, or since the last wait for it."""

        def find():
            for i, call in enumerate(self.calls):
                if (call.fields.get(INTERFACE), call.fields[MEMBER]) == (interface, member):
                    return i + 1
            return 0

        with self.lock:
            i = self.lock.wait_for(find, timeout)
            if not i:
                raise TimeoutError(f"no call of {interface}.{member}")
            del self.calls[:i]


class DeafConnection(Connection):
    """A connection that sends, and reads nothing after its first answer."""

    def _read_all(self):
        message = self._read_message()
        with self.lock:
            self.replies[message.fields[REPLY_SERIAL]] = message
            self.lock.notify_all()


class FdConnection(Connection):
    """A connection that sends file descriptors."""

    def _authenticate(self):
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(self.uid).encode().hex().encode() + b"\r\n")
        self.socket.recv(4096)
        self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
        if self.socket.recv(4096) != b"AGREE_UNIX_FD\r\n":
            raise ConnectionError("the bus does not take file descriptors")
        self.socket.sendall(b"BEGIN\r\n")

    def send_fds(self, destination, path, interface, member, signature, args, fds):
        fields = {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: destination, UNIX_FDS: len(fds)}
        with self.lock:
            self.serial += 1
            data = encode(CALL, self.serial, fields, signature, args, ALLOW_INTERACTIVE)
            socket.send_fds(self.socket, [data], fds)


def wait_until(condition, what, timeout=HANG_GUARD):
    """Polls for a condition without notification (the contents of a file, the end of a process)."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s in vain: {what}")
        time.sleep(0.01)
