"""The command line as others script against it: exit codes, output, explain."""

import json

import flows
from harness import check, check_equal
from registry import scenario


@scenario
def exit_codes(world):
    """0 done, 2 usage, 3 refused with its name, 4 not found, 5 unavailable."""
    world.bestow("promotion", "list", code=5)
    world.serve()
    world.bestow("promotion", "list", code=0)
    world.bestow("promotion", "frobnicate", code=2)
    world.bestow("promotion", "show", "not-a-number", code=2)
    world.bestow("promotion", "show", "12345", code=4)
    promotion = flows.create(world, "point")
    refused = world.bestow("promotion", "start", promotion, code=3)
    check("not_sealed" in refused.err or "not_approved" in refused.err, f"its name: {refused.err}")
    check_equal(refused.out, "", "data on stdout of a refusal")
    world.bestow("target", "show", promotion, "77", code=4)


@scenario
def commands_repeat(world):
    """Every command may be repeated; the same key with another body is refused."""
    world.serve()
    body = {"promotion_type": "POINT", "currency": "KRW", "partition_count": 4,
            "default_amount": "100", "default_reason": "r",
            "default_expiry_at": "2099-12-31T23:59:59+09:00"}
    headers = {"Idempotency-Key": "order-1"}

    def create(content):
        return world.http("POST", "/api/v1/promotions", json.dumps(content).encode(), headers)

    status, first = create(body)
    check(status in (200, 201), f"create: {status} {first}")
    status, again = create(body)
    check(status in (200, 201), f"repeat: {status} {again}")
    check_equal(again["promotion_id"], first["promotion_id"], "the first answer again")
    status, refused = create({**body, "default_amount": "200"})
    check_equal((status >= 400, refused["code"]), (True, "idempotency_key_reused"), "another body")
    promotion = first["promotion_id"]
    path, _ = world.make_targets("point", 10)
    for verb in (["import", promotion, path], ["seal", promotion], ["approve", promotion]):
        world.bestow("promotion", *verb)
        before = world.show(promotion)
        world.bestow("promotion", *verb)
        after = world.show(promotion)
        check_equal(after, before, f"{verb[0]} twice")


@scenario
def log_commands(world):
    """log stat, cat and verify on a live and on a stopped directory agree."""
    world.serve()
    promotion, _, _ = flows.prepare(world, "voucher", 100)
    live = world.bestow("log", "stat", "-o", "json").json()
    cat = world.bestow("log", "cat", "--limit", "1000", "-o", "json").out
    check("promotion_created" in cat and "list_sealed" in cat, f"log cat: {cat[:500]}")
    one = world.bestow("log", "cat", "--stream", f"promotion-{promotion}", "-o", "json").out
    check("promotion_approved" in one, f"log cat --stream: {one[:500]}")
    beside = world.bestow("log", "stat", "--data", world.data, "-o", "json").json()
    check_equal(beside["head_position"], live["head_position"], "stat beside a running bestow")
    flows.check_log(world)
    flows.check_log(world, stopped=True)
    check_equal(world.server.stop(), 0, "exit code of a stopped bestow")
    stopped = world.bestow("log", "stat", "--data", world.data, "-o", "json").json()
    check(stopped["head_position"] >= live["head_position"], f"{stopped} after {live}")
    again = world.bestow("log", "cat", "--data", world.data, "--limit", "1000", "-o", "json").out
    check("list_sealed" in again, "log cat of a stopped directory")
    flows.check_log(world, stopped=True)
    world.bestow("promotion", "list", code=5)


@scenario
def explain_knows_every_name(world):
    """`bestow explain` answers every rejection and fault of the reference pages."""
    reference = world.tools.source / "docs" / "reference"
    names = []
    for page in ("rejections.md", "faults.md"):
        for line in (reference / page).read_text().splitlines():
            if line.startswith("| `"):
                names.append(line.split("`")[1])
    check(len(names) > 60, f"{len(names)} names in the reference")
    for name in names:
        answer = world.bestow("explain", name)
        check(name in answer.out, f"explain {name}: {answer.out}")
    world.bestow("explain", "no_such_code", code=4)


@scenario
def human_output(world):
    """Help, version and tables work; a table is for people, JSON for programs."""
    check("0.1.0" in world.bestow("--version").out, "--version")
    for words in ([], ["promotion"], ["target"], ["log"], ["view"], ["serve"]):
        check("sage" in world.bestow(*words, "--help").out, f"help of {words}")
    world.serve()
    promotion = flows.create(world, "point")
    check(str(promotion) in world.bestow("promotion", "list", "-o", "table").out, "the table")
    rows = world.bestow("promotion", "list", "-o", "json").json()
    check_equal(rows["promotions"][0]["promotion_id"], str(promotion), "ids are strings")
    check("promotion_id" in world.bestow("promotion", "list", "-o", "csv").out, "the CSV header")
    world.bestow("doctor")
