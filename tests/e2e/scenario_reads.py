"""What auditors ask: a customer's story, a view as a table, the answer of an earlier moment."""

import csv
import io
import shutil
import sqlite3

import flows
from harness import check, check_equal, wait_until
from registry import scenario

VIEWS = ["promotion_summary", "partition_progress", "target_status", "reconciliation",
         "customer_grants"]


def complete(world, kind, count, **options):
    promotion, path, _ = flows.prepare(world, kind, count, **options)
    flows.start(world, promotion)
    flows.wait_completed(world, promotion)
    return promotion, path


def trace(world, customer, *words):
    """Every fact of a customer, page by page."""
    facts, after = [], []
    while True:
        page = world.bestow("customer", "trace", customer, "-o", "json", *after, *words).json()
        facts += page["facts"]
        if page["next"] is None:
            return page, facts
        after = ["--after", page["next"]]


@scenario
def customer_trace(world):
    """One customer of two promotions: imported, released, published, answered, recalled."""
    world.serve()
    world.wallet("--seed", world.seed)
    first, path = complete(world, "point", 2_000)
    complete(world, "voucher", 2_000)
    target, (customer, amount) = next(iter(flows.expected_targets(path).items()))
    facts = trace(world, customer)[1]
    own = [f for f in facts if f["promotion_id"] == str(first) and f["target_id"] == str(target)]
    check_equal([f["event"] for f in own],
                ["targets_imported", "targets_released", "grants_published", "results_recorded"],
                f"the story of target {target}")
    check_equal((own[0]["amount"], own[0]["row"]), (str(amount), 1), "what was imported")
    check_equal(own[3]["result"], "SUCCESS", "what the payer said")
    check(own[3]["transaction_key"], f"its key: {own[3]}")
    shown = world.bestow("target", "show", first, target, "-o", "json").json()
    check_equal([(f["position"], f["event"]) for f in own[1:]],
                [(f["position"], f["event"]) for f in shown["history"]], "as target show has it")
    check_equal([f["position"] for f in facts], sorted(f["position"] for f in facts), "log order")
    check_equal(trace(world, customer, "--limit", "1")[1], facts, "in pages of one")

    world.bestow("promotion", "recall", first, "--reason", "by mistake", "--yes")

    def recalled():
        return any(f["event"] == "recalls_recorded" for f in trace(world, customer)[1])

    wait_until(recalled, 60, "the recall is answered")
    again = trace(world, customer)[1]
    check_equal([f["event"] for f in again if f["promotion_id"] == str(first)][-3:],
                ["targets_released", "grants_published", "recalls_recorded"], "the recall")
    check_equal(again[:len(facts)], facts, "what had happened stays")
    world.bestow("customer", "trace", "18446744073709551615", code=4)
    world.bestow("customer", "trace", "0", code=2)

    # The runs are files beside the log: without them, or damaged, they are made again.
    world.server.kill()
    runs = list((world.data / "lists").glob("*/customers"))
    check_equal(len(runs), 2, f"runs of sealed lists: {runs}")
    runs[0].unlink()
    runs[1].write_bytes(b"\x55" * runs[1].stat().st_size)
    world.serve()
    check_equal(trace(world, customer)[1][:len(facts)], facts, "with the runs made again")
    world.bestow("view", "rebuild", "customer_grants")
    check_equal(trace(world, customer)[1][:len(facts)], facts, "after the view's rebuild")


@scenario
def view_export(world):
    """Every view as CSV and as SQLite; the same rows, whole files or none."""
    world.serve()
    world.wallet("--seed", world.seed, "--fail", "0.1")
    promotion, path = complete(world, "point", 5_000)
    listed = flows.expected_targets(path)
    out = world.dir / "out"
    out.mkdir()
    for view in VIEWS:
        rows = list(csv.DictReader(io.StringIO(world.bestow("view", "export", view).out)))
        file = out / f"{view}.db"
        world.bestow("view", "export", view, "--format", "sqlite", "--out", file)
        with sqlite3.connect(file) as database:
            database.row_factory = sqlite3.Row
            check_equal(database.execute("pragma integrity_check").fetchone()[0], "ok", view)
            stored = [dict(r) for r in database.execute(f"select * from {view}")]
            about = dict(database.execute("select * from bestow_export").fetchone())
        check_equal(len(stored), len(rows), f"rows of {view}")
        check_equal(about["row_count"], len(rows), f"count of {view}")
        check_equal(about["view_name"], view, "which view")
        for a, b in zip(rows, stored):
            check_equal(list(a), list(b), f"columns of {view}")
            for name, value in a.items():
                said = b[name]
                if value in ("true", "false"):
                    value = str(int(value == "true"))
                check_equal(value, "" if said is None else str(said), f"{view}.{name}")
    targets = list(csv.DictReader(io.StringIO(world.bestow("view", "export", "target_status").out)))
    check_equal({int(t["target_id"]): (t["customer_uid"], int(t["amount"])) for t in targets},
                listed, "targets of the export against the list")
    body = world.show(promotion)
    check_equal(sum(t["status"] == "success" for t in targets), body["success_count"], "successes")
    check_equal(sorted(p.name for p in out.iterdir()), sorted(f"{v}.db" for v in VIEWS),
                "nothing but whole files")

    # What fails leaves no file.
    world.bestow("view", "export", "no_such_view", "--out", out / "x", code=4)
    world.bestow("view", "export", "target_status", "--format", "sqlite", code=2)
    world.bestow("view", "export", "target_status", "--out", "/no/such/folder/x", code=2)
    world.server.kill()
    world.bestow("view", "export", "target_status", "--out", out / "y", code=5)
    check(not (out / "x").exists() and not (out / "y").exists(), "no half-written files")
    shutil.rmtree(out)


@scenario
def as_of(world):
    """What was answered at a moment is answered again later, by that moment's time."""
    world.serve()
    world.wallet("--seed", world.seed, "--fail", "0.05")
    promotion, _, _ = flows.prepare(world, "point", 3_000)
    moments = []

    def remember():
        body = world.show(promotion)
        exported = world.bestow("view", "export", "target_status").out
        # Nothing was recorded in between when the head still is what the first answer rests on.
        status, stat = world.http("GET", "/api/v1/log/stat")
        check_equal(status, 200, "log stat")
        if body["as_of_position"] == stat["head_position"]:
            moments.append((stat["last_recorded_at"], body, exported))

    remember()
    flows.start(world, promotion)
    for _ in range(5):
        remember()
    flows.wait_completed(world, promotion)
    remember()
    world.bestow("promotion", "retry", promotion)
    flows.wait_completed(world, promotion)
    remember()
    check(len(moments) >= 3, f"moments at rest: {len(moments)}")
    exact = 0
    for at, body, exported in moments:
        then = world.bestow("promotion", "show", promotion, "-o", "json", "--as-of", at).json()
        if then["as_of_position"] != body["as_of_position"]:
            continue  # A fact of the same millisecond came after.
        exact += 1
        check_equal(then.pop("as_of"), at, "the time that was asked about")
        body.pop("as_of")
        check_equal(then, body, f"the promotion as of {at}")
        again = world.bestow("view", "export", "target_status", "--as-of", at).out
        check_equal(again, exported, f"the targets as of {at}")
    check(exact >= 3, f"{exact} moments compared")
    first = moments[0][0]
    check_equal(world.bestow("view", "export", "target_status", "--as-of", first).out,
                moments[0][2], "the targets before the start")
    listed = world.bestow("target", "list", promotion, "--status", "pending", "--limit", "1000",
                          "-o", "json", "--as-of", first).json()
    check_equal(len(listed["targets"]), 1000, "pending targets before the start")
    refused = world.bestow("promotion", "list", "--as-of", "2099-01-01T00:00:00Z", code=2)
    check("as_of_in_the_future" in refused.err, refused.err)
    refused = world.bestow("promotion", "list", "--as-of", "2001-01-01 00:00:00", code=2)
    check("as_of_before_the_log" in refused.err, refused.err)
    world.bestow("promotion", "list", "--as-of", "noon", code=2)
    world.server.stop()
    world.serve()
    check_equal(list((world.data / "scratch").iterdir()), [], "scratch is empty after a start")
