"""The sessions that the documents show, run as they stand.

In a ```console block a line `$ COMMAND` is run by one bash after the other, and the lines below it
must come, in this order, among what it prints. Digits may differ (times, rates, positions, ids);
nothing else may. A command that ends in & starts a service: the next one waits until it is ready.
"""

import os
import re
import subprocess
import threading

from harness import check, check_equal
from registry import scenario

NUMBER = re.compile(r"[0-9a-f]{32,}|[0-9][0-9,.:TZ-]*")


def sessions(text):
    """[(command, [expected line])] of every console block."""
    steps = []
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif steps and line.strip() not in ("", "..."):
                steps[-1][1].append(line)
    return steps


def shape(line):
    """A line with its numbers and blanks made alike."""
    return " ".join(NUMBER.sub("0", line).split())


class Shell:
    """One bash that runs command after command and says how each ended."""

    def __init__(self, world, folder, env):
        self.process = subprocess.Popen(["bash"], cwd=folder, env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        world.processes.append(self)
        self.name = "shell"

    def run(self, command, within=120):
        # A killed bash ends the read below.
        watchdog = threading.Timer(within, self.process.kill)
        watchdog.start()
        try:
            self.process.stdin.write(f"{command}\necho \"@@ended $?\"\n")
            self.process.stdin.flush()
            lines = []
            for line in self.process.stdout:
                if line.startswith("@@ended "):
                    return int(line.split()[1]), lines
                lines.append(line.rstrip("\n"))
            return -1, lines
        finally:
            watchdog.cancel()

    def kill(self):
        """Ends bash and what it started in the background."""
        if self.process.poll() is None:
            self.process.stdin.write("kill $(jobs -p) 2>/dev/null; wait; exit\n")
            self.process.stdin.close()
            self.process.stdout.read()
        self.process.wait()


def run_document(world, name):
    steps = sessions((world.tools.source / name).read_text())
    check(len(steps) >= 4, f"{name} shows {len(steps)} commands")
    folder = world.dir / "session"
    folder.mkdir()
    (folder / "examples").symlink_to(world.tools.source / "examples")
    tools = [world.tools.bestow, world.tools.wallet, world.tools.make_targets]
    path = ":".join(str(t.resolve().parent) for t in tools) + ":" + os.environ["PATH"]
    env = {**world.env, "PATH": path, "BESTOW_HTTP_LISTEN": f"127.0.0.1:{world.port}"}
    shell = Shell(world, folder, env)
    for command, expected in steps:
        if command.startswith("./tools/"):
            continue  # Installing and building came before this test.
        code, lines = shell.run(command)
        check_equal(code, 0, f"{name}: {command}: {lines[-20:]}")
        if command.endswith("&"):
            shell.run("until bestow promotion list >/dev/null 2>&1; do read -rt 0.1 <> <(:) || :; done", 30)
            continue
        shapes = iter([shape(line) for line in lines])
        for line in expected:
            check(any(s == shape(line) for s in shapes),
                  f"{name}: {command}: {line!r} is not printed (in this order):\n" + "\n".join(lines))


@scenario
def readme_session(world):
    """The session of README.md runs as it stands."""
    run_document(world, "README.md")


@scenario
def tutorial_session(world):
    """The session of docs/start.md runs as it stands."""
    run_document(world, "docs/start.md")


@scenario
def documented_commands(world):
    """Every command of docs/reference/cli.md exists and has help."""
    page = (world.tools.source / "docs" / "reference" / "cli.md").read_text()
    commands = sorted({tuple(words) for words in
                       (re.findall(r"[a-z]+", line.split("[")[0].split(" -")[0])[1:3]
                        for line in re.findall(r"^\| `(bestow [^`]*)`", page, re.M)) if words})
    check(len(commands) >= 20, f"{len(commands)} commands in cli.md")
    for words in commands:
        answer = world.bestow(*words, "--help")
        check(words[-1] in answer.out, f"help of {words}: {answer.out}")
