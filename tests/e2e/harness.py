"""One machine of real processes for one scenario: bestow, bestow-wallet, their directory, their ends.

Every wait is on a condition and has a deadline. Every process started here ends here, by its pid.
"""

import ctypes
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_pause = threading.Event()


class Failure(Exception):
    """A scenario's expectation does not hold."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def check_equal(actual, expected, text):
    check(actual == expected, f"{text}: {actual!r}, expected {expected!r}")


def wait_until(condition, seconds, what):
    """Returns the first true value of condition(); fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds} s: {what}")
        _pause.wait(0.02)


def random_moment(rng, seconds_max):
    """Lets a random time pass. The moment is the test's input, not a wait for something."""
    _pause.wait(rng.uniform(0, seconds_max))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Answer:
    """What a command printed and how it ended."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as e:
            raise Failure(f"not JSON ({e}): {self.out[:500]!r} / {self.err[:500]!r}") from e


class Process:
    """A long-running child whose output goes to a file."""

    def __init__(self, name, command, log_path, env):
        self.name, self.log_path = name, log_path
        self._log = open(log_path, "ab")
        self.child = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=self._log, env=env, preexec_fn=_die_with_parent)

    def alive(self):
        return self.child.poll() is None

    def kill(self):
        """SIGKILL, and gone when it returns."""
        if self.alive():
            self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self._log.close()

    def stop(self, seconds=15):
        """SIGTERM; returns the exit code. Fails when it does not end in time."""
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{self.name} did not end within {seconds} s of SIGTERM") from e
        self._log.close()
        return code

    def output(self):
        return Path(self.log_path).read_text(errors="replace")


class World:
    """A scenario's directory, ports and processes."""

    def __init__(self, tools, seed):
        self.tools = tools
        self.seed = seed
        self.rng = random.Random(seed)
        self.dir = Path(tempfile.mkdtemp(prefix="bestow-e2e-"))
        self.data = self.dir / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = []
        self.ends = []
        self.server = None
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("BESTOW_")}
        self.env["BESTOW_URL"] = self.url
        self.env["NO_COLOR"] = "1"

    # --- processes ------------------------------------------------------------------------------
    def spawn(self, name, command):
        process = Process(name, command, self.dir / f"{name}.log", self.env)
        self.processes.append(process)
        return process

    def serve(self, *arguments, ready_within=30, data=None, until_ready=True):
        """Starts bestow and waits until it is ready, or only until it says that it is not."""
        command = [self.tools.bestow, "serve", "--data", data or self.data,
                   "--listen", f"127.0.0.1:{self.port}", *arguments]
        self.server = self.spawn("bestow", command)
        self.wait_ready(ready_within, (200,) if until_ready else (200, 503))
        return self.server

    def wait_ready(self, within=30, answers=(200,)):
        def ready():
            check(self.server.alive(),
                  f"bestow ended with {self.server.child.returncode}:\n{self.server.output()[-3000:]}")
            return self.http("GET", "/readyz", quiet=True)[0] in answers
        wait_until(ready, within, f"/readyz answers {answers}")

    def wallet(self, *arguments, data=None):
        """Starts bestow-wallet on the broker of this world's data directory."""
        command = [self.tools.wallet, *self.wallet_connection(), "--data",
                   data or self.dir / "wallet", *arguments]
        return self.spawn("wallet", command)

    def wallet_connection(self):
        self.nats_url()
        return ["--nats", f"@{self.data}/nats/client.url"]  # Read again at each connect.

    def nats_url(self):
        """Address and credentials of the embedded broker, from its own directory."""
        path = self.data / "nats" / "client.url"
        return wait_until(lambda: path.exists() and path.read_text().strip(), 10, f"{path} exists")

    def nats_pid(self):
        """The embedded nats-server: the child of bestow."""
        def child():
            tasks = Path(f"/proc/{self.server.child.pid}/task/{self.server.child.pid}/children")
            for pid in tasks.read_text().split():
                try:
                    if "nats-server" in Path(f"/proc/{pid}/comm").read_text():
                        return int(pid)
                except OSError:
                    pass
            return None
        return wait_until(child, 15, "bestow has a nats-server child")

    def own_nats(self, port=None, config=None, max_payload=None):
        """Starts a nats-server with JetStream that is not bestow's; its port. `config`: the text
        of a configuration file beside port and store."""
        port = port or free_port()
        more = []
        if max_payload:
            config = f"{config or ''}\nmax_payload: {max_payload}\n"
        if config is not None:
            path = self.dir / f"nats-{port}.conf"
            path.write_text(config)
            more = ["-c", path]
        server = shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
        check(server, "nats-server is installed")
        self.nats = self.spawn("nats", [server, "-a", "127.0.0.1", "-p", port, "-js",
                                        "-sd", self.dir / "js", *more])

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_until(listens, 10, "nats-server listens")
        return port

    # --- the command line and HTTP ------------------------------------------------------------------
    def run(self, *command, stdin=None, within=120, env=None):
        begin = time.monotonic()
        done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True,
                              env={**self.env, **(env or {})}, timeout=within, check=False)
        return Answer(done.returncode, done.stdout.decode(errors="replace"),
                      done.stderr.decode(errors="replace"), time.monotonic() - begin)

    def bestow(self, *arguments, code=0, stdin=None, within=120):
        """Runs the CLI; fails unless it ends with `code` (None: any)."""
        answer = self.run(self.tools.bestow, *arguments, stdin=stdin, within=within)
        check(code is None or answer.code == code,
              f"bestow {' '.join(map(str, arguments))}: exit {answer.code}, expected {code}\n"
              f"{answer.out[-1500:]}\n{answer.err[-1500:]}")
        return answer

    def http(self, method, path, body=None, headers=None, quiet=False, within=30):
        """(status, parsed body). Status 0: no connection (only with quiet)."""
        request = urllib.request.Request(self.url + path, data=body, method=method,
                                         headers={"Content-Type": "application/json",
                                                  **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=within) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as e:
            status, text = e.code, e.read()
        except (OSError, urllib.error.URLError):
            if quiet:
                return 0, None
            raise
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode(errors="replace")

    def show(self, promotion):
        status, body = self.http("GET", f"/api/v1/promotions/{promotion}")
        check_equal(status, 200, f"GET promotion {promotion}: {body}")
        return body

    # --- inputs -----------------------------------------------------------------------------------
    def make_targets(self, kind, count, seed=None, **options):
        """(path, summary) of a generated list; summary: rows, accepted, amount, codes."""
        path = self.dir / f"{kind}-{count}-{seed or self.seed}.{options.get('format', 'csv')}"
        summary = path.with_suffix(".summary")
        command = [self.tools.make_targets, "--type", kind, "--count", count,
                   "--seed", seed or self.seed, "--out", path, "--summary", summary]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            command += [flag] if value is True else [flag, value]
        answer = self.run(*command)
        check_equal(answer.code, 0, f"make-targets: {answer.err}")
        return path, json.loads(summary.read_text())

    def promotion_file(self, kind, **fields):
        values = {"promotion_type": kind.upper(), "currency": "KRW", "partition_count": 16,
                  "default_amount": "10000", "default_reason": "새해맞이 이벤트",
                  "default_expiry_at": "2099-12-31T23:59:59+09:00", **fields}
        path = self.dir / f"promotion-{len(list(self.dir.glob('promotion-*')))}.toml"
        path.write_text("".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n"
                                for k, v in values.items()))
        return path

    # --- the end --------------------------------------------------------------------------------------
    def at_end(self, action):
        """Runs when every process has ended, whatever became of the scenario."""
        self.ends.append(action)

    def close(self, keep):
        for process in self.processes:
            process.kill()
        for action in reversed(self.ends):
            action()
        if keep:
            print(f"kept: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def report_logs(self):
        for path in sorted(self.dir.glob("*.log")):
            print(f"--- {path.name}\n{path.read_text(errors='replace')[-4000:]}", file=sys.stderr)
