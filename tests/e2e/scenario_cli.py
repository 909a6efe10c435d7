"""The command line as others script against it: exit codes, output, explain."""

import json

import flows
from harness import check, check_equal, wait_until
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


def make_token(world, name, role):
    """A token made by the program; its [[http.tokens]] entry is (name, role, hash)."""
    made = world.bestow("token", "new", name, role, "-o", "json").json()
    hashed = world.bestow("token", "hash", "-o", "json", stdin=made["token"].encode()).json()
    check_equal(hashed["sha256"], made["sha256"], "the hash of the token that was made")
    return made


def bearer(token):
    return {"Authorization": f"Bearer {token['token']}"}


@scenario
def four_eyes(world):
    """Two named people over CLI and HTTP: the creator cannot approve, and every fact has its name."""
    ann = make_token(world, "ann", "admin")
    bob = make_token(world, "bob", "approver")
    eve = make_token(world, "eve", "viewer")
    config = world.dir / "bestow.toml"
    config.write_text("".join(
        f'[[http.tokens]]\nname = "{t["name"]}"\nrole = "{t["role"]}"\nsha256 = "{t["sha256"]}"\n'
        for t in (ann, bob, eve)))
    world.serve("-c", config)

    def as_(who, *words, code=0):
        return world.bestow("--token", who["token"], *words, code=code)

    nobody = world.bestow("promotion", "list", code=3)
    check("token_missing" in nobody.err, f"without a token: {nobody.err}")
    stranger = world.bestow("--token", "wrong", "promotion", "list", code=3)
    check("token_unknown" in stranger.err, f"with another token: {stranger.err}")
    status, body = world.http("GET", "/api/v1/promotions")
    check_equal((status, body["code"]), (401, "token_missing"), "HTTP without a token")
    check_equal(world.http("GET", "/healthz")[0], 200, "/healthz needs none")

    definition = world.promotion_file("point", approval="four_eyes")
    refused = as_(eve, "promotion", "create", "-f", definition, code=3)
    check("role_insufficient" in refused.err, f"a viewer creates: {refused.err}")
    promotion = as_(ann, "promotion", "create", "-f", definition, "-o", "json").json()["promotion_id"]
    path, _ = world.make_targets("point", 20)
    as_(ann, "promotion", "import", promotion, path)
    as_(ann, "promotion", "seal", promotion)

    own = as_(ann, "promotion", "approve", promotion, code=3)
    check("approver_is_creator" in own.err, f"the creator approves: {own.err}")
    approve = f"/api/v1/promotions/{promotion}/approve"
    status, body = world.http("POST", approve, b"{}", bearer(ann))
    check_equal((status, body["code"]), (409, "approver_is_creator"), "the same over HTTP")
    status, body = world.http("POST", approve, b"{}", bearer(eve))
    check_equal((status, body["code"]), (403, "role_insufficient"), "a viewer approves")
    as_(ann, "promotion", "start", promotion, code=3)
    check_equal(as_(ann, "promotion", "show", promotion, "-o", "json").json()["approved_by"], None,
                "nobody approved it yet")
    status, body = world.http("POST", approve, b"{}", bearer(bob))
    check_equal((status, body["state"]), (200, "approved"), "another one approves")

    shown = as_(eve, "promotion", "show", promotion, "-o", "json").json()
    check_equal((shown["created_by"], shown["approved_by"]), ("ann", "bob"), "who did it")
    facts = [json.loads(line) for line in
             as_(eve, "log", "cat", "--stream", f"promotion-{promotion}", "-o", "json").out.splitlines()]
    by = {f["event"]: f["principal"] for f in facts}
    check_equal((by["promotion_created"], by["list_sealed"], by["promotion_approved"]),
                ("ann", "ann", "bob"), "principals of the facts")
    check_equal(by.get("approval_refused"), "ann", "the creator's own try stands in the log")
    as_(bob, "promotion", "start", promotion, code=3)
    as_(ann, "promotion", "start", promotion)

    log = world.server.output()
    check("approver_is_creator: 'ann'" in log, f"the refusal in the service's log: {log[-2000:]}")
    for who in (ann, bob, eve):
        check(who["token"] not in log, f"the token of {who['name']} in the service's log")


@scenario
def four_eyes_need_names(world):
    """Without named tokens nobody can be told from anybody: such a promotion is not made."""
    world.serve()
    refused = world.bestow("promotion", "create", "-f",
                           world.promotion_file("point", approval="four_eyes"), code=3)
    check("approval_policy_needs_tokens" in refused.err, refused.err)
    config = world.dir / "open.toml"
    config.write_text('[http]\nlisten = "0.0.0.0:0"\n')
    away = world.bestow("serve", "-c", config, "--data", world.dir / "other", code=1)
    check("needs http.tokens" in away.err, away.err)
    check(not (world.dir / "other").exists(), "a refused start made no directory")


@scenario
def files_that_are_none(world):
    """A directory or a missing file is wrong use, told in one line; nothing is created."""
    world.serve()
    definition = world.promotion_file("point")
    for words in (["create", "-f", world.dir], ["create", "-f", world.dir / "none"],
                  ["import", "7", world.dir], ["run", world.dir, definition],
                  ["run", definition, world.dir], ["reconcile", "7", "--ledger", world.dir]):
        answer = world.bestow("promotion", *words, code=2)
        check(answer.err.startswith("error: "), f"{words}: {answer.err}")
    check_equal(world.bestow("promotion", "list", "-o", "json").json()["promotions"], [], "promotions")
    check_equal(world.bestow("serve", "-c", world.dir, code=1).out, "", "serve -c DIRECTORY")


@scenario
def money_has_units(world):
    """Definitions are in minor units, tables in the currency's own, lists as people write them."""
    world.serve()
    zero = world.bestow("promotion", "create", "-f",
                        world.promotion_file("point", budget_amount=0), code=3)
    check("budget_not_positive: budget_amount is 0" in zero.err, zero.err)
    point = world.bestow("promotion", "create", "-f",
                         world.promotion_file("point", default_amount="10.50"), code=2)
    check("minor units" in point.err, point.err)
    promotion = flows.create(world, "point", currency="USD", default_amount="1050",
                             total_amount=3075)
    rows = world.dir / "usd.csv"
    rows.write_text("customer_uid,amount\n18446744073709551615,20.25\n2,\n")
    world.bestow("promotion", "import", promotion, rows)
    check_equal(world.show(promotion)["total_amount"], None, "no sum before the seal")
    world.bestow("promotion", "seal", promotion)
    check_equal(world.show(promotion)["total_amount"], "3075", "JSON is minor units")
    table = world.bestow("promotion", "show", promotion, "-o", "table").out
    check("30.75" in table and "3075" not in table, table)
    targets = world.bestow("target", "list", promotion, "-o", "table").out
    check("20.25" in targets and "10.50" in targets, targets)
    check("18446744073709551615" in targets, f"a customer_uid above 2^63: {targets}")


@scenario
def a_failed_start_leaves_nothing(world):
    """serve that cannot begin says why and makes no directory; one that exists is left alone."""
    world.serve()
    taken = world.bestow("serve", "--data", world.dir / "second", "--listen",
                         f"127.0.0.1:{world.port}", code=1)
    check("cannot be bound" in taken.err, taken.err)
    check(not (world.dir / "second").exists(), "no directory of a start that failed")
    twice = world.bestow("serve", "--data", world.data, "--listen", "127.0.0.1:0", code=1)
    check("log_locked" in twice.err, twice.err)
    missing = world.dir / "third"
    away = world.run(world.tools.bestow, "serve", "--data", missing, "--listen", "127.0.0.1:0",
                     env={"BESTOW_NATS_SERVER": "/no/such/nats-server"})
    check_equal(away.code, 1, away.err)
    check(not missing.exists(), "no directory without a broker")
    world.bestow("promotion", "list")


@scenario
def the_wallet_says_what_is_wrong(world):
    """A bad URL is wrong use; a broker that is away is told of, and ends with 5."""
    wrong = world.run(world.tools.wallet, "--nats", "http://127.0.0.1:1", "--data", world.dir / "w")
    check_equal(wrong.code, 2, wrong.err)
    check("nats://HOST:PORT" in wrong.err, wrong.err)
    away = world.spawn("away", [world.tools.wallet, "--nats", "nats://127.0.0.1:1", "--data",
                                world.dir / "w"])
    wait_until(lambda: "waiting for the broker" in away.output(), 10, "the wallet says it waits")
    check_equal(away.stop(), 5, "exit code of a wallet that never reached a broker")
