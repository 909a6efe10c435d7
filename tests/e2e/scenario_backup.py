"""Backups: made under load, killed, damaged, restored, and gone on with."""

import json
import shutil
import subprocess
import threading

import audit
import flows
from harness import check, check_equal, random_moment, wait_until
from nats_client import Nats
from registry import scenario
from scenario_events import check_events
from scenario_streams import STREAM, stream_row, wait_state

EVENTS = "BESTOW_EVENTS"


def service(world, port, data=None):
    world.data = data or world.data
    world.server = world.spawn("bestow", [
        world.tools.bestow, "serve", "--data", world.data, "--listen", f"127.0.0.1:{world.port}",
        "--nats", f"nats://127.0.0.1:{port}"])
    wait_until(lambda: world.http("GET", "/healthz", quiet=True)[0] == 200, 30, "alive")


def event_row(world):
    _, body = world.http("GET", "/api/v1/streams")
    return next(row for row in body["streams"] if row["name"] == EVENTS)


def kill_backups(world, target):
    """Backups of the running directory, ended at random moments: none gets its name by half."""
    for _ in range(6):
        child = subprocess.Popen(
            [str(world.tools.bestow), "backup", "create", str(target), "--data", str(world.data)],
            env=world.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        random_moment(world.rng, 0.15)
        child.kill()
        child.wait()
        if target.exists():  # It was done before it was killed: then it is whole.
            world.bestow("log", "verify", "--data", target)
            shutil.rmtree(target)


@scenario
def backup_under_load(world):
    """Made while grants go out, killed on the way, restored, served, completed and reconciled; the
    stream is adopted and the event stream made anew."""
    port = world.own_nats()
    url = f"nats://127.0.0.1:{port}"
    world.env["BESTOW_GRANTS_RATE"] = "4000"
    service(world, port)
    world.spawn("wallet", [world.tools.wallet, "--nats", url, "--data", world.dir / "wallet"])
    promotion, path, summary = flows.prepare(world, "point", 24_000)
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] > 1_000, 30, "the first grants")
    kill_backups(world, world.dir / "killed")

    backup = world.dir / "backup"
    made = world.bestow("backup", "create", backup, "-o", "json").json()
    now = world.show(promotion)["published_count"]
    check(1_000 < now < 24_000, f"the run goes on beside it: {now} published")
    manifest = json.loads((backup / "manifest.json").read_text())
    check_equal(manifest["head_position"], made["head_position"], "the manifest's head")
    check({f["path"] for f in manifest["files"]} >= {"log/00000001.mdb", "log/anchor"},
          f"files: {manifest['files']}")
    taken = world.bestow("backup", "create", backup, code=3)
    check("backup_directory_taken" in taken.err, taken.err)
    check_equal(world.bestow("log", "verify", "--data", backup, "-o", "json").json()["last_position"],
                made["head_position"], "the backup's own log")

    wait_until(lambda: world.show(promotion)["published_count"] > now + 4_000, 60, "more grants")
    world.server.kill()
    restored = world.dir / "restored"
    done = world.bestow("backup", "restore", backup, "--data", restored, "-o", "json")
    check("nats adopt" in done.err, f"it says what to do next: {done.err}")
    check_equal(done.json()["incarnation"], 2, "a restored log is not the one it was made of")
    refused = world.bestow("backup", "restore", backup, "--data", restored, code=3)
    check("not empty" in refused.err, refused.err)

    nats = Nats(url)
    last = nats.stream_state(STREAM)["last_seq"]
    service(world, port, data=restored)
    wait_state(world, "halted", "broker_stream_ahead")
    wait_until(lambda: event_row(world)["state"] == "halted", 30, "the event stream is halted")
    check_equal(event_row(world)["code"], "broker_stream_differs", "its code")
    foreign = world.bestow("nats", "adopt", EVENTS, "--yes", code=4)
    check("stream_not_found" in foreign.err, foreign.err)
    world.bestow("nats", "adopt", STREAM, "--yes")
    rebuilt = world.bestow("nats", "rebuild", EVENTS, "--yes", "-o", "json").json()
    check("sequence" in rebuilt["reason"], f"what was wrong: {rebuilt}")
    sound = world.bestow("nats", "rebuild", EVENTS, "--yes", code=3)
    check("stream_is_sound" in sound.err, sound.err)
    wait_state(world, "ready")
    check(nats.stream_state(STREAM)["last_seq"] >= last, "nothing was taken away")

    flows.check_counts(flows.wait_completed(world, promotion), summary)
    body = world.show(promotion)
    flows.check_stream(nats, "point", promotion, path)
    flows.check_three_ways(world, promotion, body)
    flows.check_log(world)
    world.nats_url = lambda: url
    check_events(world)
    check_equal(stream_row(world)["generation"], 1, "the generation goes on")

    # Frames of before and of after the restore, told apart by what the chain covers.
    export = world.dir / "log.ndjson"
    world.bestow("log", "export", "--format", "frames", "--out", export)
    audit.check_export(export)
    marks = [json.loads(line)["incarnation"] for line in export.read_text().splitlines()
             if '"kind":"frame"' in line]
    check_equal((marks[0], marks[-1], marks), (1, 2, sorted(marks)), "incarnations")
    nats.close()


@scenario
def restored_log_reads_results_again(world):
    """Results that came after the backup are acknowledged at the broker: they are read again."""
    port = world.own_nats()
    service(world, port)
    promotion, path, summary = flows.prepare(world, "point", 2_000)
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] == 2_000, 60, "all are published")
    backup = world.dir / "backup"
    world.bestow("backup", "create", backup)
    world.spawn("wallet", [world.tools.wallet, "--nats", f"nats://127.0.0.1:{port}", "--data",
                           world.dir / "wallet"])
    flows.check_counts(flows.wait_completed(world, promotion), summary)
    world.server.kill()
    restored = world.dir / "restored"
    world.bestow("backup", "restore", backup, "--data", restored)
    check((restored / "restored").exists(), "the mark of a restore")
    service(world, port, data=restored)
    body = flows.wait_completed(world, promotion)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    check(not (restored / "restored").exists(), "the mark is gone")


@scenario
def damaged_backup_is_named(world):
    """Whatever was changed in a backup is named, and nothing is restored from it."""
    world.serve()
    promotion = flows.create(world, "point")
    rows = world.dir / "rows.csv"
    rows.write_text("point_target_id,customer_uid,amount\n1,77,100\n2,x,100\n3,79,100\n")
    world.bestow("promotion", "import", promotion, rows)
    flows.prepare(world, "voucher", 500)
    world.server.kill()
    backup = world.dir / "backup"
    world.bestow("backup", "create", backup, "--data", world.data)
    manifest = json.loads((backup / "manifest.json").read_text())
    rejects = [f["path"] for f in manifest["files"] if f["path"].startswith("rejects/")]
    check_equal(len(rejects), 1, f"refused rows are in it: {rejects}")

    def damage(name, change):
        copy = world.dir / f"damaged-{name}"
        shutil.copytree(backup, copy)
        change(copy)
        target = world.dir / f"from-{name}"
        answer = world.bestow("backup", "restore", copy, "--data", target, code=1)
        check(not target.exists(), f"{name}: nothing is restored")
        return answer.err

    def flip(path):
        content = bytearray(path.read_bytes())
        content[world.rng.randrange(len(content))] ^= 1 << world.rng.randrange(8)
        path.write_bytes(content)

    def edit(path, old, new):
        text = path.read_text()
        check(old in text, f"{old} is in {path.name}")
        path.write_text(text.replace(old, new, 1))

    for file in manifest["files"]:
        said = damage("flip", lambda copy, p=file["path"]: flip(copy / p))
        check(file["path"] in said, f"{file['path']} is named: {said}")
        shutil.rmtree(world.dir / "damaged-flip")
    said = damage("missing", lambda copy: (copy / rejects[0]).unlink())
    check(rejects[0] in said and "missing" in said, said)
    said = damage("more", lambda copy: shutil.copy(copy / "log" / "00000001.mdb",
                                                   copy / "log" / "00000002.mdb"))
    check("segments" in said, said)
    said = damage("short", lambda copy: edit(copy / "manifest.json", '"bytes": ', '"bytes": 1'))
    check("manifest" in said, said)
    head = f'"head_position": {manifest["head_position"]}'
    said = damage("head", lambda copy: edit(copy / "manifest.json", head,
                                            f'"head_position": {manifest["head_position"] - 1}'))
    check("the log ends at position" in said, said)
    said = damage("none", lambda copy: (copy / "manifest.json").unlink())
    check("not a backup" in said, said)
    said = damage("outside", lambda copy: edit(copy / "manifest.json", '"log/anchor"',
                                               '"log/../../anchor"'))
    check("damaged" in said, said)

    # A directory beside it that is not a backup's is left alone.
    mine = world.dir / "mine.incomplete"
    mine.mkdir()
    (mine / "letter.txt").write_text("mine")
    left = world.bestow("backup", "create", world.dir / "mine", "--data", world.data, code=1)
    check("letter.txt" in left.err and (mine / "letter.txt").exists(), left.err)
    world.bestow("backup", "restore", backup, "--data", world.dir / "whole")
    world.bestow("log", "verify", "--data", world.dir / "whole")


@scenario
def two_backups_at_once(world):
    """A second one into the same directory is refused; the first is whole."""
    world.serve()
    flows.prepare(world, "point", 5_000)
    target = world.dir / "backup"
    codes = []

    def one():
        answer = world.run(world.tools.bestow, "backup", "create", target, "--data", world.data)
        codes.append((answer.code, answer.err))
    threads = [threading.Thread(target=one) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    done = sum(code == 0 for code, _ in codes)
    check_equal(done, 1, f"backups that were made: {codes}")
    world.bestow("log", "verify", "--data", target)
