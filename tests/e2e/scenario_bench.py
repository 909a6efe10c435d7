"""`bestow bench` on a real disk with a real broker: figures, wrong use, and what is left behind."""

import json
import os
import signal
import subprocess
from pathlib import Path

from harness import check, check_equal, wait_until
from registry import scenario

WORKS = ["disk", "import", "publish", "command", "replay"]
RATES = {"disk": "commits_per_second", "import": "rows_per_second",
         "publish": "messages_per_second", "command": "clients_64_commands_per_second",
         "replay": "status_described_per_second"}


def place(world):
    path = world.dir / "bench"
    path.mkdir(exist_ok=True)
    return path


def children_of(pid):
    """Every process below `pid`, as long as they are there."""
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *children_of(int(child))]
    except OSError:
        pass
    return found


def nats_below(pid):
    for child in children_of(pid):
        try:
            if "nats-server" in Path(f"/proc/{child}/comm").read_text():
                return child
        except OSError:
            pass
    return None


@scenario
def bench_measures_everything(world):
    """Every work gives checked figures, as JSON lines and as a table of 80 columns."""
    where = place(world)
    small = ["--targets", "1000", "--repetitions", "2", "--dir", where]
    answer = world.bestow("bench", *small, "-o", "json", within=300)
    lines = [json.loads(line) for line in answer.out.splitlines()]
    check_equal([(line["bench"], line["repetition"]) for line in lines],
                [(work, n) for work in WORKS for n in (1, 2)], "a line for each repetition")
    for line in lines:
        check(line[RATES[line["bench"]]] > 0, f"a rate: {line}")
        check_equal((line["targets"], line["seed"]), (1000, 1), f"size and seed of {line}")
        check(line["filesystem"] and line["fsync"] and line["cores"] > 0, f"the machine: {line}")
    check_equal(os.listdir(where), [], "left behind")

    some = world.bestow("bench", "replay", "disk", *small, "-o", "table", within=120)
    table = some.out.splitlines()
    check(all(len(line) <= 80 for line in table), f"80 columns:\n{some.out}")
    check_equal(table[0].split(), ["WORK", "UNIT", "MIN", "MEDIAN", "MAX", "RATIO", "CPU_US"],
                "the table's head")
    check(table[1].startswith("disk ") and "replay to status" in some.out, some.out)
    check("publish" not in some.out, "only what was asked for")
    check("measuring disk" in some.err, f"says what it does: {some.err}")
    quiet = world.bestow("bench", "disk", *small, "--quiet", "-o", "csv")
    check_equal(quiet.err, "", "--quiet")
    check(quiet.out.startswith("work,unit,min,median,max,ratio,cpu_us\ndisk,commits/s,"), quiet.out)
    check_equal(os.listdir(where), [], "left behind")


@scenario
def bench_refuses(world):
    """Wrong use, a directory that is none, a data directory, one that cannot be written."""
    where = place(world)
    for words, says in ((["walk"], "walk"), (["--targets", "999"], "1000..5000000"),
                        (["--repetitions", "0"], "1..100"), (["--seed", "x"], "'x'"),
                        (["--dir", where / "none"], "there is no such directory"),
                        (["--output", "text"], "text")):
        answer = world.bestow("bench", *words, code=2)
        check(says in answer.err, f"{words}: {answer.err}")
    check("no directory" in world.bestow("bench", "--dir", "/etc/hostname", code=2).err, "a file")
    check("bestow-bench-" in world.bestow("bench", "--dir", "/proc", code=1).err, "not writable")
    world.serve()
    check("data directory" in world.bestow("bench", "--dir", world.data, code=2).err, "data")
    check(world.server.alive(), "the service it lies beside goes on")
    missing = world.run(world.tools.bestow, "bench", "publish", "--dir", where,
                        env={"BESTOW_NATS_SERVER": "/no/such/server"})
    check_equal(missing.code, 5, f"no broker: {missing.err}")
    left_out = world.run(world.tools.bestow, "bench", "--targets", "1000", "--repetitions", "1",
                         "--dir", where, "-o", "table",
                         env={"BESTOW_NATS_SERVER": "/no/such/server"}, within=300)
    check_equal(left_out.code, 0, f"the other works: {left_out.err}")
    check("publish is left out" in left_out.err and "left out" in left_out.out, left_out.out)
    check_equal(os.listdir(where), [], "left behind")


@scenario
def bench_stopped_leaves_nothing(world):
    """Stopped by a signal in the middle of each work: no process and no file is left."""
    where = place(world)
    for work, number in (("publish", signal.SIGINT), ("import", signal.SIGTERM),
                         ("command", signal.SIGINT), ("replay", signal.SIGHUP)):
        running = world.spawn(f"bench-{work}", [world.tools.bestow, "bench", work, "--dir", where,
                                                "--targets", "200000", "--repetitions", "100"])
        pid = running.child.pid
        wait_until(lambda: list(where.glob("bestow-bench-*/*")), 30, f"{work} has begun")
        if work == "publish":
            wait_until(lambda: nats_below(pid), 60, "its broker runs")
        below = children_of(pid)
        check(below, "a process of its own does the work")
        running.child.send_signal(number)
        check_equal(running.child.wait(20), 1, f"exit code of {work}, stopped")
        check("nothing is left behind" in running.output(), running.output()[-500:])
        check_equal(os.listdir(where), [], f"left behind by {work}")
        wait_until(lambda: not [p for p in below if Path(f"/proc/{p}").exists()], 10,
                   f"the processes of {work} are gone")


@scenario
def bench_survives_its_reader(world):
    """A reader that goes away in the middle ends it, and nothing is left behind."""
    where = place(world)
    bench = subprocess.Popen(
        [str(world.tools.bestow), "bench", "disk", "import", "-o", "json", "--targets", "1000",
         "--repetitions", "100", "--dir", str(where)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=world.env)
    check(json.loads(bench.stdout.readline())["bench"] == "disk", "the first line")
    bench.stdout.close()
    bench.wait(120)
    bench.stderr.close()
    check_equal(os.listdir(where), [], "left behind")
