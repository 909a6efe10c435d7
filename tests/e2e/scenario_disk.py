"""The store at its edges: a log whose map is full, a disk that is full, a log of many files."""

import os
import re
import subprocess

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario
from scenario_faults import at_random_points, kills
from scenario_loop import targets


def not_ready(world, name):
    """The detail of a check of /readyz that is not good; None while it is."""
    status, body = world.http("GET", "/readyz", quiet=True)
    if status != 503:
        return None
    found = [c for c in body["checks"] if c["name"] == name and not c["ok"]]
    return found[0]["detail"] if found else None


def judge(world, kind, promotion, path, summary, within=120):
    """The end that an undisturbed run has."""
    body = flows.wait_completed(world, promotion, within + targets(30_000) // 500)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, kind, promotion, path)
    nats.close()
    flows.check_log(world)


def log_files(world):
    return sorted(p for p in (world.data / "log").iterdir() if re.fullmatch(r"\d{8}\.mdb", p.name))


@scenario
def log_map_is_full(world):
    """A map that is too small stops intake and names itself; what was said stays; more goes on."""
    world.serve()
    world.wallet("--seed", world.seed)
    small, small_path, small_summary = flows.prepare(world, "point", 2_000)
    world.server.stop()
    # Room for some of the list that follows. A map is 1 MiB at least, and whole pages.
    used = sum(f.stat().st_size for f in log_files(world))
    tight = max(1 << 20, used + (256 << 10)) // 4096 * 4096
    world.env["BESTOW_DATA_MAP_SIZE"] = str(tight)
    world.serve()
    large = flows.create(world, "voucher")
    path, summary = world.make_targets("voucher", targets(130_000))
    refused = world.bestow("promotion", "import", large, path, code=None, within=300)
    check(refused.code != 0, f"an import into a full log ends with {refused.code}")
    check("log_full" in refused.err and "map_size" in refused.err,
          f"the import says what is full and what to do: {refused.err}")

    # By name: /readyz, the service's log, doctor.
    detail = wait_until(lambda: not_ready(world, "log"), 10, "/readyz says that the log is full")
    check("log_full" in detail and "map_size" in detail, f"the detail of /readyz: {detail}")
    check("log_full" in world.server.output(), "the service's log names the fault")
    answer = world.bestow("doctor", "--data", world.data, code=None)
    check("log_full" in answer.out + answer.err, f"doctor: {answer.out} {answer.err}")

    # Reading goes on, and what was acknowledged is there.
    check_equal(world.show(small)["total_count"], small_summary["accepted"], "targets of the first")
    stat = world.bestow("log", "stat", "-o", "json").json()
    check_equal(stat["map_bytes"], tight, "map_bytes")
    head = stat["head_position"]
    flows.check_log(world)

    # The step that the message asks for.
    world.server.stop()
    del world.env["BESTOW_DATA_MAP_SIZE"]
    world.serve()
    check(world.bestow("log", "stat", "-o", "json").json()["head_position"] >= head,
          "nothing acknowledged was lost")
    world.bestow("promotion", "import", large, path, within=300)
    world.bestow("promotion", "seal", large, within=300)
    world.bestow("promotion", "approve", large)
    flows.start(world, large)
    flows.start(world, small)
    judge(world, "voucher", large, path, summary)
    judge(world, "point", small, small_path, small_summary)


def small_disk(world, megabytes):
    """A file system of its own under the data directory; False when none may be mounted."""
    disk = world.dir / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "bestow-e2e",
                           str(disk)], capture_output=True, check=False)
    if done.returncode != 0:
        print(f"SKIPPED: no file system may be mounted here: {done.stderr.decode().strip()}")
        return False
    world.at_end(lambda: subprocess.run(["umount", "-l", str(disk)], check=False))
    world.data = disk / "data"
    return True


def fill_up(path):
    """Takes all the room that is left."""
    with open(path, "wb", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    ballast.write(b"\0" * size)
            except OSError:
                pass


def disk_free(world):
    room = os.statvfs(world.data)
    return room.f_bavail * room.f_frsize


@scenario
def disk_is_full(world):
    """The disk fills during a run; bestow says so; with room again the run ends as it should."""
    if not small_disk(world, 192):
        return
    port = world.own_nats()  # On another disk: this is about bestow's own files.
    external = ["--nats", f"nats://127.0.0.1:{port}"]
    world.serve(*external)
    wallet = [world.tools.wallet, "--nats", external[1], "--data", world.dir / "wallet", "--seed",
              world.seed]
    world.spawn("wallet", wallet)
    unsealed = flows.create(world, "point")
    some, _ = world.make_targets("point", 5_000)
    world.bestow("promotion", "import", unsealed, some)
    promotion, path, summary = flows.prepare(world, "point", targets(60_000))
    flows.start(world, promotion)
    wait_until(lambda: flows.progress(world.show(promotion)) > 0.1, 60, "the run is under way")
    fill_up(world.dir / "disk" / "ballast")
    detail = wait_until(lambda: not_ready(world, "log"), 60, "/readyz says that the disk is full")
    check("log_full" in detail and "disk" in detail, f"the detail of /readyz: {detail}")
    check("log_full" in world.server.output(), "the service's log names the fault")
    # Small facts may still find room in pages that became free; then they are refused by name.
    kept = []

    def create_is_refused():
        status, body = world.http(
            "POST", "/api/v1/promotions",
            b'{"promotion_type": "POINT", "currency": "KRW", "default_amount": "1"}')
        if status == 201:
            kept.append(body["promotion_id"])
            return False
        check_equal((status, body.get("code")), (507, "log_full"), f"a create: {body}")
        return True
    wait_until(create_is_refused, 60, "a create is refused")
    # A list needs a file of its own, and so do the rejects of an import.
    for verb in (["seal", unsealed], ["import", unsealed, path, "--batch", "late"]):
        refused = world.bestow("promotion", *verb, code=None)
        check(refused.code != 0 and re.search("log_full|file_io_failed", refused.err),
              f"{verb} on a full disk: exit {refused.code}, {refused.err}")
    status, before = world.http("GET", f"/api/v1/promotions/{promotion}?stale=1")
    check_equal((status, before["total_count"]), (200, summary["accepted"]), "reading goes on")
    head = world.bestow("log", "stat", "-o", "json").json()["head_position"]

    (world.dir / "disk" / "ballast").unlink()
    wait_until(lambda: world.http("GET", "/readyz", quiet=True)[0] == 200, 60, "ready by itself")
    check(world.bestow("log", "stat", "-o", "json").json()["head_position"] >= head,
          "nothing acknowledged was lost")
    for created in kept:
        check_equal(world.show(created)["state"], "draft", f"acknowledged promotion {created}")
    world.bestow("promotion", "import", unsealed, path, "--batch", "late", within=300)
    world.bestow("promotion", "seal", unsealed, within=300)
    body = flows.wait_completed(world, promotion, 240)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    nats = Nats(external[1])
    flows.check_stream(nats, "point", promotion, path)
    nats.close()
    flows.check_log(world)
    world.server.stop()
    flows.check_log(world, stopped=True)


@scenario
def kills_over_many_log_files(world):
    """kill -9 at random points of a run whose log begins a new file again and again."""
    world.env["BESTOW_DATA_SEGMENT_SIZE"] = "128KiB"
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, "voucher", targets(30_000))
    flows.start(world, promotion)

    def strike():
        world.server.kill()
        world.serve()

    at_random_points(world, promotion, kills(), strike)
    judge(world, "voucher", promotion, path, summary)
    files = log_files(world)
    check(len(files) >= 3, f"files of the log: {files}")
    for sealed in files[:-1]:
        check_equal(sealed.stat().st_mode & 0o777, 0o400, f"mode of {sealed.name}")
    stat = world.bestow("log", "stat", "-o", "json").json()
    check_equal(stat["segments"], len(files), "segments of log stat")
    check_equal(stat["file_bytes"], sum(f.stat().st_size for f in files), "file_bytes")
    world.server.stop()
    answer = world.bestow("log", "stat", "--data", world.data, "-o", "json").json()
    check_equal(answer["head_hash"], world.bestow("log", "verify", "--data", world.data, "-o",
                                                  "json").json()["head_hash"], "head hash")


@scenario
def sealed_file_is_missing(world):
    """bestow does not start without a file of its log, and says which one; with it, it does."""
    world.env["BESTOW_DATA_SEGMENT_SIZE"] = "128KiB"
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, "voucher", targets(20_000))
    world.server.stop()
    files = log_files(world)
    check(len(files) >= 3, f"files of the log: {files}")
    away = world.dir / "away.mdb"
    files[1].rename(away)
    refused = world.run(world.tools.bestow, "serve", "--data", world.data, "--listen",
                        f"127.0.0.1:{world.port}")
    check(refused.code == 1, f"exit code {refused.code}")
    said = refused.out + refused.err
    check("log_corrupt" in said and "00000002.mdb with positions" in said, f"it says: {said}")
    found = world.bestow("log", "verify", "--data", world.data, "-o", "json", code=None)
    check_equal(found.json()["clean"], False, "log verify")
    check("00000002.mdb" in found.json()["problem"], f"log verify: {found.out}")

    # Behind a link on another disk it is as good as there.
    files[1].symlink_to(away)
    world.serve()
    flows.start(world, promotion)
    judge(world, "voucher", promotion, path, summary)


@scenario
def disk_of_broker_is_full(world):
    """The embedded broker's disk is full too: with room and a restart the run ends as it should."""
    if not small_disk(world, 192):
        return
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, "point", targets(60_000))
    flows.start(world, promotion)
    wait_until(lambda: flows.progress(world.show(promotion)) > 0.1, 60, "the run is under way")
    fill_up(world.dir / "disk" / "ballast")
    def bad_checks():
        status, body = world.http("GET", "/readyz", quiet=True)
        return [c for c in body["checks"] if not c["ok"]] if status == 503 else None
    print("not ready:", wait_until(bad_checks, 60, "/readyz says what is wrong"))
    check(world.server.alive(), "bestow lives on")
    (world.dir / "disk" / "ballast").unlink()
    # A nats-server that met a full disk has switched JetStream off; the documented step.
    world.server.stop()
    world.serve()
    judge(world, "point", promotion, path, summary, within=240)
