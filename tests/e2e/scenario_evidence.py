"""The log as evidence: exports and proofs that others can check, replays that show damage."""

import base64
import hashlib
import json
import re

import audit
import flows
from harness import Failure, check, check_equal, wait_until
from nats_client import Nats
from registry import scenario


def refused(action, text):
    try:
        action()
    except audit.Unsound:
        return
    raise Failure(f"{text}: the auditor takes it")


def finished_promotion(world, kind="point", count=3_000):
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, kind, count)
    flows.start(world, promotion)
    flows.check_counts(flows.wait_completed(world, promotion), summary)
    return promotion, path


@scenario
def export_is_checked_elsewhere(world):
    """The whole chain and every fact, computed again by other code; a changed byte does not pass."""
    finished_promotion(world)
    stat = world.bestow("log", "stat", "-o", "json").json()
    whole = world.dir / "log.ndjson"
    world.bestow("log", "export", "--to", stat["head_position"], "--out", whole)
    seen = audit.check_export(whole)
    check_equal((seen["last"], seen["facts"], seen["log_id"]),
                (stat["head_position"], stat["head_position"], stat["log_id"]), "the export")
    check_equal(seen["head_hash"], stat["head_hash"], "the head's hash")
    check(seen["fields"] > 3 * seen["facts"], f"fields compared: {seen}")

    # A part begins with the frame that holds its first fact, and its last line says what is in it.
    part = world.dir / "part.ndjson"
    world.bestow("log", "export", "--from", 5, "--to", 9, "--out", part)
    check_equal(audit.check_export(part)["facts"], 5, "facts of a part")
    frames = world.dir / "frames.ndjson"
    world.bestow("log", "export", "--format", "frames", "--out", frames)
    check_equal(audit.check_export(frames)["facts"], 0, "facts in frames only")
    facts = world.bestow("log", "export", "--format", "facts", "--from", 1, "--to", 1).out
    check_equal([json.loads(line)["kind"] for line in facts.splitlines()],
                ["export", "fact", "end"], "facts only")

    text = whole.read_text()
    frame = next(line for line in text.splitlines() if '"kind":"frame"' in line)
    content = json.loads(frame)["bytes"]
    middle = len(content) // 2
    other = "A" if content[middle] != "A" else "B"
    changed = content[:middle] + other + content[middle + 1:]
    whole.write_text(text.replace(content, changed, 1))
    refused(lambda: audit.check_export(whole), "a changed byte")
    whole.write_text("".join(line for line in text.splitlines(True) if line.strip() != frame))
    refused(lambda: audit.check_export(whole), "a missing frame")
    whole.write_text("".join(text.splitlines(True)[:-1]))
    refused(lambda: audit.check_export(whole), "a missing end")
    whole.write_text(text.replace('"principal":"local"', '"principal":"other"', 1))
    refused(lambda: audit.check_export(whole), "a fact that its frame does not say")

    # A stopped directory gives the same bytes.
    world.bestow("--yes", "log", "export", "--from", 1, "--to", 9, "--out", part)
    check_equal(world.server.stop(), 0, "a clean end")
    here = world.dir / "here.ndjson"
    world.bestow("log", "export", "--data", world.data, "--from", 1, "--to", 9, "--out", here)
    check_equal(here.read_text().splitlines()[1:], part.read_text().splitlines()[1:],
                "lines of a stopped directory")
    gone = world.bestow("log", "export", "--data", world.dir / "nothing", code=4)
    check("no log" in gone.err, gone.err)


@scenario
def proof_of_one_target(world):
    """One target's facts, message and chain in one file; any changed byte is refused."""
    promotion, path = finished_promotion(world, count=1_500)
    expected = flows.expected_targets(path)
    target = sorted(expected)[len(expected) // 2]
    file = world.dir / "proof.ndjson"
    world.bestow("log", "prove", promotion, target, "--out", file)
    seen = audit.check_proof(file)
    said = {c["what"]: c for c in seen["claims"]}
    check(set(said) >= {"created", "imported", "sealed", "released", "published", "answered"},
          f"claims: {list(said)}")
    check_equal(said["imported"]["customer_uid"], expected[target][0], "its customer")
    message = base64.b64decode(said["released"]["message"])
    nats = Nats(world.nats_url())
    _, _, stored = next(m for m in nats.read_all("GRANTS_POINT")
                        if m[0] == said["published"]["stream_seq"])
    check_equal(stored, message, "the message at that sequence of the stream")
    check_equal(hashlib.sha256(stored).hexdigest(), said["released"]["message_sha256"], "its hash")
    nats.close()

    verdict = world.bestow("log", "prove", "--check", file, "-o", "json").json()
    check_equal((verdict["sound"], verdict["chained_to_head"], verdict["ordinal_proved"],
                 verdict["messages_remade"]), (True, True, True, 1), f"verdict: {verdict}")
    head = verdict["head_hash"]
    world.bestow("log", "prove", "--check", file, "--head", head)
    world.bestow("log", "prove", "--check", file, "--head", "0" * 64, code=1)

    original = file.read_bytes()
    bad = world.dir / "bad.ndjson"
    claims_end = original.index(b'{"kind":"frame"')
    for number in range(40):
        # Half of the flips in title and claims, half anywhere.
        place = world.rng.randrange(claims_end if number % 2 else len(original))
        damaged = bytearray(original)
        damaged[place] ^= 1 << world.rng.randrange(8)
        bad.write_bytes(damaged)
        answer = world.bestow("log", "prove", "--check", bad, "-o", "json", code=None)
        check_equal(answer.code, 1, f"a flip at byte {place}: {answer.out} {answer.err}")
    bad.write_bytes(original[:-20])
    check("line" in world.bestow("log", "prove", "--check", bad, code=1).err, "cut off")

    # The small form needs an export to hang on.
    small, export = world.dir / "small.ndjson", world.dir / "log.ndjson"
    world.bestow("log", "prove", promotion, target, "--chain", "facts", "--out", small)
    check(small.stat().st_size < file.stat().st_size, "the small form is smaller")
    world.bestow("log", "export", "--format", "frames", "--out", export)
    world.bestow("log", "prove", "--check", small, "--against", export)
    itself = world.bestow("log", "prove", "--check", small, "--against", small, code=1)
    check("is a proof" in itself.err, itself.err)
    first = next(json.loads(line)["first"] for line in small.read_text().splitlines()
                 if '"kind":"frame"' in line)
    export.write_text("".join(line for line in export.read_text().splitlines(True)
                              if json.loads(line).get("first") != first))
    missing = world.bestow("log", "prove", "--check", small, "--against", export, code=1)
    check(f"has no frame at position {first}" in missing.err, missing.err)

    check_equal(world.bestow("log", "prove", promotion, 999_999_999, code=4).code, 4, "no target")
    check_equal(world.server.stop(), 0, "a clean end")
    offline = world.dir / "offline.ndjson"
    world.bestow("log", "prove", promotion, target, "--data", world.data, "--out", offline)
    check_equal(offline.read_text().splitlines()[1:1 + len(seen["claims"])],
                file.read_text().splitlines()[1:1 + len(seen["claims"])], "claims, made offline")


@scenario
def replay_shows_damage(world):
    """G5: a replay from the first fact equals the serving views; a changed row does not pass."""
    promotion, _ = finished_promotion(world, count=2_000)
    refused_now = world.bestow("log", "replay", "--data", world.data, "--into",
                               world.dir / "early", code=None)
    check(refused_now.code != 0 and "log_locked" in refused_now.err, refused_now.err)
    check_equal(world.server.stop(), 0, "a clean end")
    before = {p: p.read_bytes() for p in sorted((world.data / "views").glob("*.mdb"))}
    answer = world.bestow("log", "replay", "--data", world.data, "--into", world.dir / "replayed",
                          "-o", "json").json()
    check_equal({v["verdict"] for v in answer["views"]}, {"equal"}, f"verdicts: {answer}")
    check_equal({p: p.read_bytes() for p in before}, before, "the views are only read")
    again = world.bestow("log", "replay", "--data", world.data, "--into", world.dir / "again",
                         "-o", "json").json()
    check_equal([v["hash"] for v in again["views"]], [v["hash"] for v in answer["views"]],
                "two replays")
    taken = world.bestow("log", "replay", "--data", world.data, "--into", world.dir / "again",
                         code=1)
    check("not empty" in taken.err, taken.err)

    # The reason of the promotion as its view keeps it, one letter changed.
    path = next(p for p in before if p.name.startswith("promotion_summary"))
    old = "새해맞이 이벤트".encode()
    check(old in before[path], "the view holds the promotion's reason")
    path.write_bytes(before[path].replace(old, "새해맞이 이벤터".encode()))
    answer = world.bestow("log", "replay", "--data", world.data, "--into", world.dir / "damaged",
                          "-o", "json", code=1)
    verdicts = {v["name"]: v["verdict"] for v in answer.json()["views"]}
    check_equal(verdicts.pop("promotion_summary"), "different", f"verdicts: {answer.out}")
    check_equal(set(verdicts.values()), {"equal"}, f"verdicts: {answer.out}")
    check("promotion_summary differs" in answer.err, answer.err)


SECRETS = ["kept-from-bundles", "hunter2-password"]


@scenario
def debug_bundle_holds_no_secret(world):
    """Settings, health, figures, streams and log lines; no token, no password, no customer."""
    port = world.own_nats(config='authorization { user: "app", password: "hunter2-password" }')
    world.env["BESTOW_NATS_USER"] = "app"
    world.env["BESTOW_NATS_PASSWORD"] = "hunter2-password"
    world.env["BESTOW_TOKEN"] = SECRETS[0]
    token = hashlib.sha256(SECRETS[0].encode()).hexdigest()
    config = world.dir / "bestow.toml"
    config.write_text(f'[[http.tokens]]\nname = "kim"\nrole = "admin"\nsha256 = "{token}"\n')
    world.server = world.spawn("bestow", [
        world.tools.bestow, "serve", "-c", config, "--data", world.data, "--listen",
        f"127.0.0.1:{world.port}", "--nats", f"nats://127.0.0.1:{port}"])
    wait_until(lambda: world.http("GET", "/healthz", quiet=True)[0] == 200, 30, "alive")
    _, path, _ = flows.prepare(world, "point", 200)
    target = world.dir / "bundle"
    world.bestow("debug", "bundle", "--out", target)
    names = {p.name for p in target.iterdir()}
    check(names >= {"README.txt", "about.json", "settings.json", "health.json", "log.json",
                    "views.json", "deliveries.json", "broker.json", "limits.json", "metrics.txt",
                    "log_lines.txt"}, f"files: {names}")
    everything = "".join(p.read_text() for p in target.iterdir())
    for secret in [*SECRETS, token]:
        check(secret not in everything, f"{secret} is in the bundle")
    for customer, _ in list(flows.expected_targets(path).values())[:50]:
        check(len(customer) < 6 or not re.search(rf"\b{customer}\b", everything),
              f"customer {customer} is in it")
    settings = json.loads((target / "settings.json").read_text())
    check_equal(settings["nats.password"], "(set, not shown)", "the password")
    check_equal(settings["nats.user"], '"app"', "the user, as the file has it")
    streams = json.loads((target / "broker.json").read_text())["streams"]
    check("GRANTS_POINT" in {s["name"] for s in streams}, f"streams: {streams}")
    world.bestow("debug", "bundle", "--out", target, code=3)
