"""Commands over NATS as a client of the broker sends them."""

import json

from harness import Failure, check, check_equal
from nats_client import Nats


class Commands:
    """One connection; `token`: the bearer of every command that names no other."""

    def __init__(self, url, token=None, prefix="bestow.cmd"):
        self.nats, self.token, self.prefix = Nats(url), token, prefix
        self.headers = {}

    def send(self, name, fields=None, token=None, key=None, payload=None, headers=None):
        """(status, parsed answer). `payload` bytes in place of fields."""
        token = token or self.token
        said = dict(headers or {})
        if token:
            said["Authorization"] = f"Bearer {token}"
        if key:
            said["Idempotency-Key"] = key
        body = json.dumps(fields or {}).encode() if payload is None else payload
        self.headers, answer = self.nats.ask(f"{self.prefix}.{name}", body, said)
        if "Bestow-Status" not in self.headers:
            raise Failure(f"{name}: no answer of Bestow: {self.headers} {answer!r}")
        status = int(self.headers["Bestow-Status"])
        text = json.loads(answer) if "json" in self.headers["Content-Type"] else answer.decode()
        error = self.headers.get("Nats-Service-Error-Code")
        check_equal(error, str(status) if status >= 400 else None, f"{name}: the micro header")
        if status >= 400:
            check_equal(self.headers["Nats-Service-Error"], text["code"], "the code as a header")
        return status, text

    def do(self, name, fields=None, **how):
        """The answer of a command that must be done."""
        status, answer = self.send(name, fields, **how)
        check(status in (200, 201), f"{name} {fields}: {status} {answer}")
        return answer

    def refused(self, name, fields, status, code, **how):
        """The problem document of a command that must be refused."""
        got, answer = self.send(name, fields, **how)
        check_equal((got, answer.get("code")), (status, code), f"{name} {fields}: {answer}")
        return answer

    def close(self):
        self.nats.close()


def batches(path, rows):
    """A CSV file as texts of at most `rows` rows, each with the header row."""
    header, *lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    return [header + "".join(lines[i:i + rows]) for i in range(0, len(lines), rows)]
