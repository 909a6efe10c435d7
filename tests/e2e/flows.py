"""A promotion's life in the words of the command line, and the oracles it is judged by."""

import csv
import json

from harness import check, check_equal, wait_until
from wire import grants_of

STREAM = {"voucher": "GRANTS_VOUCHER", "point": "GRANTS_POINT"}
ID_FIELD = {"voucher": "voucherEventTargetId", "point": "pointEventTargetId"}
DEFAULT_AMOUNT = 10_000


def create(world, kind, **fields):
    answer = world.bestow("promotion", "create", "-f", world.promotion_file(kind, **fields),
                          "-o", "json")
    return answer.json()["promotion_id"]


def prepare(world, kind, count, seed=None, fields=None, **options):
    """Creates, imports, seals and approves; (promotion id, path of the list, its summary)."""
    promotion = create(world, kind, **(fields or {}))
    path, summary = world.make_targets(kind, count, seed=seed, **options)
    world.bestow("promotion", "import", promotion, path, within=600)
    world.bestow("promotion", "seal", promotion, within=300)
    world.bestow("promotion", "approve", promotion)
    return promotion, path, summary


def start(world, promotion):
    return world.bestow("promotion", "start", promotion, "-o", "json").json()


def wait_completed(world, promotion, seconds=120):
    def completed():
        status, body = world.http("GET", f"/api/v1/promotions/{promotion}", quiet=True)
        return body if status == 200 and body["state"] == "completed" else None
    return wait_until(completed, seconds, f"promotion {promotion} is completed")


def terminal(body):
    return (body["success_count"] + body["fail_count"] + body["unknown_count"]
            + body["abandoned_count"])


def progress(body):
    """0..1 over publishing and answering."""
    return (body["published_count"] + terminal(body)) / max(1, 2 * body["total_count"])


def expected_targets(path):
    """Target id -> (customer, amount) as the list says, defaults filled in. A good CSV list."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        number = {name: i for i, name in enumerate(header)}
        target = number.get("point_target_id", number.get("voucher_target_id"))
        customer, amount = number["customer_uid"], number["amount"]
        return {int(row[target]): (row[customer], int(row[amount] or DEFAULT_AMOUNT))
                for row in reader}


def check_counts(body, summary):
    """G2 and G3 over the summary, against the list that was imported."""
    check_equal(body["total_count"], summary["accepted"], "total_count")
    check_equal(body["total_amount"], summary["amount"], "total_amount")
    check_equal(body["published_count"], summary["accepted"], "published_count")
    check_equal(terminal(body), summary["accepted"], "sum of terminal states")
    check_equal(body["promotion_status"], "COMPLETED", "promotion_status")


def check_stream(nats, kind, promotion, path):
    """G1: every target exactly once, in order in its partition, with its own customer and amount."""
    expected = expected_targets(path)
    last_in_partition = {}
    seen = set()
    previous = 0
    for seq, subject, payload in nats.read_all(STREAM[kind]):
        check_equal(seq, previous + 1, "stream sequences have no hole")
        previous = seq
        if subject.endswith(".log"):
            continue
        partition = subject.rsplit(".", 1)[1]
        for grant in grants_of(payload):
            if grant["eventId"] != str(promotion):
                continue
            target = int(grant[ID_FIELD[kind]])
            check(target not in seen, f"target {target} is twice on the stream (sequence {seq})")
            seen.add(target)
            check(target > last_in_partition.get(partition, 0),
                  f"target {target} is out of order in partition {partition} (sequence {seq})")
            last_in_partition[partition] = target
            check_equal(grant["partitionKey"], partition, f"partition of target {target}")
            check_equal((grant["customerUid"], int(grant["amount"])), expected[target],
                        f"customer and amount of target {target}")
    check_equal(len(seen), len(expected), "targets on the stream")


def ledger(world, promotion, data=None):
    answer = world.run(world.tools.wallet, "ledger", "--data", data or world.dir / "wallet",
                       "--promotion", promotion, "-o", "json")
    check_equal(answer.code, 0, f"wallet ledger: {answer.err}")
    return answer.json()


def ledger_file(world, promotion, data=None):
    """The payer's ledger as reconcile takes it: target_id,amount."""
    answer = world.run(world.tools.wallet, "ledger", "--data", data or world.dir / "wallet",
                       "--promotion", promotion, "-o", "csv", within=300)
    check_equal(answer.code, 0, f"wallet ledger: {answer.err}")
    path = world.dir / f"ledger-{promotion}.csv"
    path.write_text(answer.out)
    return path


def check_three_ways(world, promotion, body):
    """Sealed list, published stream and the payer's ledger agree in count and amount."""
    money = ledger(world, promotion)
    check_equal(int(money["count"]), body["success_count"], "grants in the wallet's ledger")
    check_equal(str(money["sum"]), body["success_amount"], "sum of the wallet's ledger")
    answer = world.bestow("promotion", "reconcile", promotion, "--ledger",
                          ledger_file(world, promotion), "-o", "json", within=300)
    check_equal(answer.json()["consistent"], True, f"reconciliation: {answer.out[:1500]}")


def check_log(world, stopped=False):
    where = ["--data", world.data] if stopped else []
    answer = world.bestow("log", "verify", *where, "-o", "json", within=300)
    check(answer.json()["clean"], f"log verify: {answer.out}")


def final_states(world, promotion):
    """Target id -> state, of every target: what two runs of one list must agree on."""
    states = {}
    after = 0
    while True:
        status, page = world.http(
            "GET", f"/api/v1/promotions/{promotion}/targets?after={after}&limit=1000")
        check_equal(status, 200, f"targets page: {page}")
        rows = page["targets"]
        for row in rows:
            target = row.get("point_target_id") or row.get("voucher_target_id")
            states[int(target)] = (row["publish_status"], row["process_status"], row["amount"])
            after = int(target)
        if not page.get("next"):
            return states
