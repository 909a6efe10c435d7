"""The wires, message by message, and results by hand."""

import json
import os
import signal

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario
from scenario_faults import at_random_points, kills
from scenario_loop import MISBEHAVIOUR, targets
from wire import grants_of


def releases(world):
    """Every targets_released of the log, in log order."""
    answer = world.bestow("log", "cat", "--limit", 10_000_000, "-o", "json")
    rows = [json.loads(line) for line in answer.out.splitlines()]
    return [row for row in rows if row["event"] == "targets_released"]


def check_plan(world, nats, kind, batch_size):
    """Every sequence holds the grants that the log plans there; the number of messages."""
    stored = {seq: (subject, payload)
              for seq, subject, payload in nats.read_all(flows.STREAM[kind])}
    seq = 1
    for row in releases(world):
        fact = row["data"]
        left = fact["ordinals"]["count"]
        for _ in range(fact["message_count"]):
            seq += 1
            check(seq in stored, f"sequence {seq} is planned and missing")
            subject, payload = stored[seq]
            check_equal(subject, f"{fact['topic']}.{fact['partition']}", f"subject of {seq}")
            grants = grants_of(payload)
            check(1 <= len(grants) <= batch_size, f"{len(grants)} grants in sequence {seq}")
            check_equal({g["attempt"] for g in grants}, {str(fact["attempt"])}, f"attempt of {seq}")
            left -= len(grants)
        check_equal(left, 0, f"grants of the release at {row['position']} that no message holds")
    check_equal(max(stored), seq, "the stream's last sequence")
    return seq - 1


def batch_loop(world, kind, form, size):
    config = world.dir / "batch.toml"
    config.write_text(f'[grants]\nwire = "batch"\nbatch_format = "{form}"\nbatch_size = {size}\n'
                      f"chunk = {3 * size - 7}\n")
    world.serve("-c", config)
    world.wallet("--seed", world.seed, *MISBEHAVIOUR)
    count = targets(20_000)
    promotion, path, summary = flows.prepare(world, kind, count, fields={"partition_count": 4})
    flows.start(world, promotion)

    def strike():
        world.server.kill()
        world.serve("-c", config)

    at_random_points(world, promotion, kills(), strike)
    body = flows.wait_completed(world, promotion, 120 + count // 500)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, kind, promotion, path)
    messages = check_plan(world, nats, kind, size)
    check(messages * 2 < count, f"{messages} messages carry {count} grants")
    first = next(p for _, s, p in nats.read_all(flows.STREAM[kind]) if ".publish." in s)
    check_equal(first[:1] == b"{", form == "json", f"the form of {first[:40]!r}")
    nats.close()
    flows.check_log(world)


@scenario
def batch_wire_json(world):
    """Vouchers on the batch wire as JSON, bestow killed on the way: every sequence as planned."""
    batch_loop(world, "voucher", "json", 64)


@scenario
def batch_wire_msgpack(world):
    """Points on the batch wire as msgpack, bestow killed on the way: every sequence as planned."""
    batch_loop(world, "point", "msgpack", 500)


@scenario
def small_max_payload(world):
    """Where the broker takes little, messages hold fewer grants and none is lost."""
    port = world.own_nats(max_payload=4_096)
    config = world.dir / "batch.toml"
    config.write_text('[grants]\nwire = "batch"\n')
    world.serve("-c", config, "--nats", f"nats://127.0.0.1:{port}")
    promotion, path, _ = flows.prepare(world, "voucher", 3_000, fields={"partition_count": 2})
    wallet = world.spawn("wallet", [world.tools.wallet, "--nats", f"nats://127.0.0.1:{port}",
                                    "--data", world.dir / "wallet"])
    flows.start(world, promotion)
    body = flows.wait_completed(world, promotion)
    check_equal(body["success_count"], body["total_count"], "success_count")
    nats = Nats(f"nats://127.0.0.1:{port}")
    flows.check_stream(nats, "voucher", promotion, path)
    sizes = [len(p) for _, s, p in nats.read_all(flows.STREAM["voucher"]) if ".publish." in s]
    check(max(sizes) <= 4_096, f"a message of {max(sizes)} bytes")
    check(len(sizes) * 3 < 3_000, f"{len(sizes)} messages carry 3,000 grants")
    nats.close()
    check(wallet.alive(), "the wallet still runs")


# --- results by hand ----------------------------------------------------------------------------
def result(promotion, target, customer, partition, status="SUCCESS", key="T"):
    return json.dumps({
        "sentAt": "2026-01-21T10:30:00", "version": 20231010,
        "topic": "prepay.campaign.point.result",
        "payload": {"eventId": str(promotion), "pointEventTargetId": str(target),
                    "customerUid": str(customer), "processStatus": status,
                    "transactionKey": f"{key}-{target}", "errorMessage": "",
                    "partitionKey": str(partition)}})


def dead(world):
    return world.bestow("result", "dead", "list", "-o", "json").json()


@scenario
def dead_letters(world):
    """Unusable results are kept with their reason; mended ones count once when retried."""
    world.serve()
    promotion, path, _ = flows.prepare(world, "point", 50, fields={"partition_count": 1})
    customers = {t: c for t, (c, _) in flows.expected_targets(path).items()}
    nats = Nats(world.nats_url())
    subject = "prepay.campaign.point.result.0"
    early = min(customers)
    bad = ["not json", result(promotion, early, customers[early], 0),
           result(promotion, early, int(customers[early]) + 1, 0),
           result(promotion, early, customers[early], 0, status="OK"),
           result(int(promotion) + 1, early, 1, 0)]
    for payload in bad:
        nats.publish_stored(subject, payload)
    page = wait_until(lambda: (p := dead(world))["count"] == len(bad) and p, 20, "letters")
    reasons = {row["number"]: row["reason"] for row in page["letters"]}
    check_equal(len(reasons), len(bad), f"letters: {reasons}")
    never = next(n for n, r in reasons.items() if "never released" in r)
    shown = world.bestow("result", "dead", "show", never, "-o", "json").json()
    check_equal(json.loads(shown["payload"]), json.loads(bad[1]), "the message as it was sent")
    # Still never released: dead again, linked.
    answer = world.bestow("result", "dead", "retry", never, code=3)
    check("letter_still_dead" in answer.err, answer.err)
    linked = [r for r in dead(world)["letters"] if r["retry_of"] == never]
    check_equal(len(linked), 1, "letters of that retry")
    world.bestow("result", "dead", "show", 4_000, code=4)

    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] == 50, 30, "all published")
    again = linked[0]["number"]
    answers = [world.bestow("result", "dead", "retry", again, "-o", "json").json()
               for _ in range(3)]
    check_equal([a["repeated"] for a in answers], [False, True, True], f"{answers}")
    world.server.kill()
    world.serve()
    answer = world.bestow("result", "dead", "retry", again, "-o", "json").json()
    check(answer["repeated"], f"a new process knows: {answer}")
    body = world.show(promotion)
    check_equal((body["success_count"], body["duplicate_results"]), (1, 0), f"{body}")
    page = dead(world)
    check_equal((page["count"], page["open_count"]), (len(bad) + 1, len(bad) - 1), f"{page}")
    nats.close()
    flows.check_log(world)


@scenario
def result_import(world):
    """A payer's table completes a promotion while the broker is away; sent again it changes nothing."""
    world.serve()
    count = 3_000
    promotion, path, _ = flows.prepare(world, "point", count)
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] == count, 60, "all published")
    table = world.dir / "results.csv"
    ids = sorted(flows.expected_targets(path))
    rows = ["point_target_id,process_status,transaction_key,error_message,attempt,at"]
    rows += [f"{t},FAILED,,closed,1,2026-01-21 10:30:00" if i % 10 == 0
             else f"{t},SUCCESS,T-{t},,1,2026-01-21T10:30:00+09:00" for i, t in enumerate(ids)]
    rows.insert(5, "999999999,SUCCESS,T-x,,,")
    rows.insert(9, f"{ids[0]},MAYBE,,,,")
    table.write_text("\n".join(rows) + "\n")
    broker = world.nats_pid()
    os.kill(broker, signal.SIGSTOP)
    try:
        answer = world.bestow("result", "import", promotion, table, "-o", "json").json()
    finally:
        os.kill(broker, signal.SIGCONT)
    check_equal((answer["rows"], answer["recorded"], answer["duplicates"], answer["rejected"]),
                (count + 2, count, 0, 2), f"{answer}")
    check_equal([(r["line"], r["code"]) for r in answer["rejects"]],
                [(6, "result_target_unknown"), (10, "result_status_unknown")], "rejects")
    saved = (world.dir / "results.csv.rejects.csv").read_text().splitlines()
    check_equal(len(saved), 3, f"rejects file: {saved}")
    again = world.bestow("result", "import", promotion, table, "-o", "json").json()
    check_equal((again["recorded"], again["duplicates"]), (0, count), f"sent again: {again}")
    body = flows.wait_completed(world, promotion)
    check_equal((body["success_count"], body["fail_count"], body["double_grants"]),
                (count - count // 10, count // 10, 0), f"{body}")
    lines = "\n".join(json.dumps({"point_target_id": t, "process_status": "SUCCESS",
                                  "transaction_key": f"late-{t}"}) for t in ids[:10:10])
    late = world.bestow("result", "import", promotion, "-", "--format", "ndjson", "-o", "json",
                        stdin=lines.encode()).json()
    check_equal(late["recorded"], 1, f"late SUCCESS after FAILED: {late}")
    check_equal(world.show(promotion)["retry_success_count"], 1, "retry_success_count")
    world.bestow("result", "import", promotion, world.dir / "missing.csv", code=2)
    world.bestow("result", "import", 1, table, code=4)
    flows.check_log(world)
