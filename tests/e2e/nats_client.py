"""As much of the NATS protocol as the scenarios need: publish, request, read a stream whole.

Independent of the client library that Bestow uses, so that what stands on a stream is seen with
other eyes. One connection, one thread.
"""

import base64
import collections
import json
import secrets
import socket
import urllib.parse

from harness import Failure, check


class Nats:
    def __init__(self, url, within=10):
        parts = urllib.parse.urlparse(url)
        self.port = parts.port
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=within)
        # Subscribe and publish are two small packets: without this each request waits for an ack.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._at = 0
        self._inbox = f"_INBOX.e2e{secrets.token_hex(8)}"
        self._arrived = {}  # Open subscription -> its messages that nobody has asked for yet.
        self._sid = 0
        check(self._line().startswith(b"INFO "), "a NATS server says INFO first")
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        if parts.username:
            options["user"] = urllib.parse.unquote(parts.username)
            options["pass"] = urllib.parse.unquote(parts.password or "")
        self._send(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        while (line := self._line()) != b"PONG":
            check(not line.startswith(b"-ERR"), f"NATS refuses: {line!r}")

    def close(self):
        self._socket.close()

    def publish(self, subject, payload):
        if isinstance(payload, str):
            payload = payload.encode()
        self._send(f"PUB {subject} {len(payload)}\r\n".encode() + payload + b"\r\n")

    def flush(self):
        self._send(b"PING\r\n")
        while self._line() != b"PONG":
            pass

    def request(self, subject, payload=b""):
        """The first reply's payload."""
        sid, inbox = self._subscribe()
        self._send(f"PUB {subject} {inbox} {len(payload)}\r\n".encode() + payload + b"\r\n")
        reply = self._message(sid)
        self._unsubscribe(sid)
        return reply[2]

    def ask(self, subject, payload=b"", headers=None):
        """The first reply as (headers, payload). Nobody listens: the header Status is 503."""
        sid, inbox = self._subscribe()
        text = "NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        head = f"{text}\r\n".encode()
        self._send(f"HPUB {subject} {inbox} {len(head)} {len(head) + len(payload)}\r\n".encode()
                   + head + payload + b"\r\n")
        _, _, body, raw = self._whole_message(sid)
        self._unsubscribe(sid)
        first, *lines = raw.decode().split("\r\n") if raw else [""]
        found = dict(line.split(": ", 1) for line in lines if ": " in line)
        if status := first.removeprefix("NATS/1.0").strip():
            found["Status"] = status
        return found, body

    def api(self, verb, request=None):
        """A JetStream API call; the reply as a dictionary (with `error` when it is one)."""
        body = json.dumps(request).encode() if request is not None else b""
        return json.loads(self.request(f"$JS.API.{verb}", body))

    def publish_stored(self, subject, payload):
        """Publishes and waits until the stream has it; its sequence."""
        reply = json.loads(self.request(subject, payload.encode()))
        check("seq" in reply, f"not stored: {reply}")
        return reply["seq"]

    def stream_state(self, stream):
        reply = self.api(f"STREAM.INFO.{stream}")
        return reply.get("state")

    def message(self, stream, seq):
        reply = self.api(f"STREAM.MSG.GET.{stream}", {"seq": seq})
        if "error" in reply:
            return None
        return reply["message"]["subject"], base64.b64decode(reply["message"].get("data", ""))

    def read_all(self, stream):
        """Yields (stream sequence, subject, payload) of everything stored, in order."""
        state = self.stream_state(stream)
        if not state or state["messages"] == 0:
            return
        # Pulled batch by batch: the server would cut off a reader that it outruns.
        batch = 1_000
        reply = self.api(f"CONSUMER.CREATE.{stream}", {
            "stream_name": stream,
            "config": {"deliver_policy": "all", "ack_policy": "none", "replay_policy": "instant",
                       "inactive_threshold": 60_000_000_000}})
        check("error" not in reply, f"cannot read {stream}: {reply}")
        sid, inbox = self._subscribe()
        body = json.dumps({"batch": batch}).encode()
        request = (f"PUB $JS.API.CONSUMER.MSG.NEXT.{stream}.{reply['name']} {inbox} {len(body)}\r\n"
                   .encode() + body + b"\r\n")
        seq = taken = silent = 0
        while seq < state["last_seq"]:
            if taken % batch == 0:
                self._send(request)
            # The reply subject names the position: $JS.ACK.<stream>.<consumer>.<n>.<stream seq>...
            try:
                subject, reply_to, payload = self._message(sid)
            except TimeoutError:
                # A busy server may lose a pull request (at most once, like any message): ask again.
                silent += 1
                check(silent < 4, f"{stream} is silent after {seq} of {state['last_seq']}: "
                      f"{self.stream_state(stream)}")
                self._send(request)
                continue
            seq = int(reply_to.split(".")[5])
            taken += 1
            yield seq, subject, payload
        self._unsubscribe(sid)

    # --- the protocol -------------------------------------------------------------------------------
    def _subscribe(self):
        self._sid += 1
        inbox = f"{self._inbox}.{self._sid}"
        self._arrived[self._sid] = collections.deque()
        self._send(f"SUB {inbox} {self._sid}\r\n".encode())
        return self._sid, inbox

    def _unsubscribe(self, sid):
        del self._arrived[sid]
        self._send(f"UNSUB {sid}\r\n".encode())

    def _send(self, data):
        self._socket.sendall(data)

    def _fill(self):
        data = self._socket.recv(1 << 18)
        if not data:
            raise Failure("NATS closed the connection")
        self._buffer = self._buffer[self._at:] + data
        self._at = 0

    def _line(self):
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            self._fill()
        line = self._buffer[self._at:end]
        self._at = end + 2
        if line == b"PING":
            self._send(b"PONG\r\n")
            return self._line()
        return line

    def _exactly(self, count):
        while len(self._buffer) < self._at + count + 2:
            self._fill()
        data = self._buffer[self._at:self._at + count]
        self._at += count + 2
        return data

    def _message(self, sid):
        """(subject, reply-to, payload) of the subscription's next message; headers are dropped."""
        return self._whole_message(sid)[:3]

    def _whole_message(self, sid):
        """As _message, with the header's bytes."""
        while not self._arrived[sid]:
            words = self._line().decode().split()
            if words[0] in ("MSG", "HMSG"):
                data = self._exactly(int(words[-1]))
                plain = words[0] == "MSG"
                reply = words[3] if len(words) == (5 if plain else 6) else ""
                to = self._arrived.get(int(words[2]))
                if to is not None:  # Else it comes after its subscription's end.
                    cut = 0 if plain else int(words[-2])
                    to.append((words[1], reply, data[cut:], data[:cut]))
            check(words[0] != "-ERR", f"NATS says {' '.join(words)}")
        return self._arrived[sid].popleft()
