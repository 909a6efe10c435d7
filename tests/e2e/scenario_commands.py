"""Commands over NATS: bestow.cmd.<noun>.<verb>, $SRV, and what can go wrong with them."""

import json
import os
import signal

import flows
from commands import Commands, batches
from harness import Failure, check, check_equal, wait_until
from nats_client import Nats
from registry import scenario
from scenario_cli import bearer, make_token

DEFINITION = {"promotion_type": "POINT", "currency": "KRW", "partition_count": 4,
              "default_amount": "10000", "default_reason": "새해맞이 이벤트",
              "default_expiry_at": "2099-12-31T23:59:59+09:00"}


def serve_with_tokens(world, *tokens, more=""):
    config = world.dir / "bestow.toml"
    config.write_text(more + "".join(
        f'[[http.tokens]]\nname = "{t["name"]}"\nrole = "{t["role"]}"\nsha256 = "{t["sha256"]}"\n'
        for t in tokens))
    world.serve("-c", config)


def import_over_nats(commands, promotion, path, rows=400):
    """The list in batches, each with its id: by headers and as JSON in turn; accepted rows."""
    accepted = 0
    for n, text in enumerate(batches(path, rows)):
        if n % 2 == 0:
            answer = commands.do("promotion.import", payload=text.encode(), headers={
                "Bestow-Promotion-Id": promotion, "Bestow-Batch": f"part-{n}",
                "Content-Type": "text/csv"})
        else:
            answer = commands.do("promotion.import", {
                "promotion_id": promotion, "batch": f"part-{n}", "rows": text})
        check_equal(answer["rejected"], 0, f"refused rows of part {n}: {answer}")
        accepted += answer["accepted"]
    return accepted


def state_of(commands, promotion):
    return commands.do("promotion.show", {"promotion_id": promotion})["state"]


def wait_state(commands, promotion, state):
    wait_until(lambda: state_of(commands, promotion) == state, 60, f"{promotion} is {state}")
    return commands.do("promotion.show", {"promotion_id": promotion})


@scenario
def commands_run_a_promotion(world):
    """A promotion from create to close over NATS alone, with every verb on the way."""
    world.env["BESTOW_NATS_COMMAND_ROLE"] = "admin"
    world.env["BESTOW_GRANTS_RATE"] = "2000"
    world.serve()
    world.wallet("--seed", world.seed, "--fail", "0.05")
    c = Commands(world.nats_url())
    created = c.do("promotion.create", DEFINITION)
    check_equal((c.headers["Bestow-Status"], c.headers["Location"]),
                ("201", f"/api/v1/promotions/{created['promotion_id']}"), "created")
    promotion = created["promotion_id"]
    path, summary = world.make_targets("point", 3_000)
    check_equal(import_over_nats(c, promotion, path), summary["accepted"], "imported")
    this = {"promotion_id": promotion}
    check_equal(c.do("promotion.seal", this)["state"], "sealed", "seal")
    check_equal(c.do("promotion.approve", this)["state"], "approved", "approve")
    at = "2098-01-01T00:00:00+09:00"
    check_equal(c.do("promotion.schedule", {**this, "at": at})["state"], "scheduled", "schedule")
    check_equal(c.do("promotion.start", {**this, "run_date": "2026-01-31"})["state"], "running",
                "start")
    wait_until(lambda: c.do("promotion.show", this)["published_count"] > 0, 30, "grants")
    check_equal(c.do("promotion.stop", {**this, "reason": "점검"})["state"], "stopped", "stop")
    check_equal(c.do("promotion.resume", this)["state"], "running", "resume")
    body = wait_state(c, promotion, "completed")
    flows.check_counts(body, summary)
    check(body["fail_count"] > 0, "some targets failed")
    page = c.do("target.list", {**this, "status": "success", "limit": 2})
    named = [t["point_target_id"] for t in page["targets"]]
    check_equal((len(named), page["next"]), (2, named[-1]), "a page of targets")
    check_equal(c.do("target.show", {**this, "target_id": named[0]})["status"], "success", "target")
    check_equal(c.do("promotion.reconcile", this)["consistent"], True, "reconcile")
    check_equal(c.do("promotion.recall", {**this, "reason": "오지급", "targets": named})["state"],
                "completed", "recall")
    wait_until(lambda: c.do("promotion.show", this)["recalled_count"] == 2, 30, "taken back")
    check_equal(c.do("promotion.retry", this)["run_no"], 3, "retry")
    body = wait_state(c, promotion, "completed")
    check_equal(c.do("promotion.close", {**this, "reason": "끝"})["repeated"], False, "close")
    c.refused("promotion.retry", this, 409, "promotion_closed")
    listed = c.do("promotion.list", {"status": "COMPLETED"})
    check_equal([p["promotion_id"] for p in listed["promotions"]], [promotion], "list")
    other = c.do("promotion.create", {**DEFINITION, "promotion_id": 77})["promotion_id"]
    check_equal((other, c.do("promotion.cancel", {"promotion_id": 77})["state"]),
                ("77", "cancelled"), "cancel")
    facts = [json.loads(line) for line in
             world.bestow("log", "cat", "--stream", f"promotion-{promotion}", "-o", "json")
             .out.splitlines()]
    check_equal({f["principal"] for f in facts if f["event"].startswith("promotion_created")},
                {"nats:anonymous"}, "who created it")
    flows.check_log(world)
    c.close()


@scenario
def commands_have_roles(world):
    """Without a token the configured role, with one its own; nobody gets further than over HTTP."""
    op, viewer = make_token(world, "op", "operator"), make_token(world, "eve", "viewer")
    serve_with_tokens(world, op, viewer)
    c = Commands(world.nats_url())
    check_equal(c.do("promotion.list")["promotions"], [], "a viewer's read without a token")
    c.refused("promotion.create", DEFINITION, 403, "role_insufficient")
    c.refused("promotion.create", DEFINITION, 401, "token_unknown", token="wrong")
    c.refused("promotion.list", {}, 401, "token_unknown", token="wrong")
    c.refused("promotion.list", {}, 401, "token_missing", headers={"Authorization": "Basic eA=="})
    c.refused("promotion.create", DEFINITION, 403, "role_insufficient", token=viewer["token"])
    promotion = c.do("promotion.create", DEFINITION, token=op["token"])["promotion_id"]
    check_equal(world.http("GET", f"/api/v1/promotions/{promotion}", headers=bearer(op))[1]
                ["created_by"], "op", "the token's name stands in the facts")
    c.refused("view.rebuild", {"name": "promotion_summary"}, 403, "role_insufficient",
              token=op["token"])
    # Whoever may not ask is not told what was wrong with the question.
    c.refused("promotion.seal", None, 403, "role_insufficient", payload=b"{")
    check("refused POST /api/v1/promotions: role_insufficient: 'eve'" in world.server.output(),
          "the refusal leaves a line in the service's log")
    check_equal(world.server.stop(), 0, "stopped")

    world.env["BESTOW_NATS_COMMAND_ROLE"] = "none"
    world.serve("-c", world.dir / "bestow.toml")
    c = Commands(world.nats_url())
    c.refused("promotion.list", {}, 401, "token_missing")
    check_equal(len(c.do("promotion.list", token=viewer["token"])["promotions"]), 1, "with a token")
    check_equal(world.server.stop(), 0, "stopped")

    world.env["BESTOW_NATS_COMMAND_ROLE"] = "admin"
    refused = world.bestow("serve", "-c", world.dir / "bestow.toml", "--data", world.data, code=1)
    check("nats.command_role" in refused.err and "operator" in refused.err, refused.err)
    world.env["BESTOW_NATS_COMMAND_ROLE"] = "operator"
    world.serve("-c", world.dir / "bestow.toml")
    c = Commands(world.nats_url())
    made = c.do("promotion.create", DEFINITION)["promotion_id"]
    c.refused("promotion.approve", {"promotion_id": made}, 403, "role_insufficient")
    # Its creator would have no name, and could approve under the own one.
    c.refused("promotion.create", {**DEFINITION, "approval": "four_eyes"}, 422,
              "approval_policy_needs_tokens")
    c.close()


@scenario
def four_eyes_everywhere(world):
    """Four eyes over CLI, HTTP and NATS: the creator is refused on each, and the try is a fact."""
    ann, bob = make_token(world, "ann", "admin"), make_token(world, "bob", "approver")
    serve_with_tokens(world, ann, bob)
    c = Commands(world.nats_url())
    path, _ = world.make_targets("point", 20)
    edges = ("cli", "http", "nats")

    def create(edge):
        """Ann makes, fills and seals a promotion over one edge."""
        if edge == "cli":
            made = world.bestow("--token", ann["token"], "promotion", "create", "-f",
                                world.promotion_file("point", approval="four_eyes"), "-o", "json")
            promotion = made.json()["promotion_id"]
            world.bestow("--token", ann["token"], "promotion", "import", promotion, path)
            world.bestow("--token", ann["token"], "promotion", "seal", promotion)
            return promotion
        body = {**DEFINITION, "approval": "four_eyes"}
        if edge == "http":
            promotion = world.http("POST", "/api/v1/promotions", json.dumps(body).encode(),
                                   bearer(ann))[1]["promotion_id"]
            place = f"/api/v1/promotions/{promotion}"
            status, answer = world.http("POST", f"{place}/targets?batch=b", path.read_bytes(),
                                        {**bearer(ann), "Content-Type": "text/csv"})
            check_equal(status, 200, f"import: {answer}")
            check_equal(world.http("POST", f"{place}/seal", b"{}", bearer(ann))[0], 200, "seal")
            return promotion
        promotion = c.do("promotion.create", body, token=ann["token"])["promotion_id"]
        c.do("promotion.import", {"promotion_id": promotion, "batch": "b",
                                  "rows": path.read_text(encoding="utf-8-sig")}, token=ann["token"])
        c.do("promotion.seal", {"promotion_id": promotion}, token=ann["token"])
        return promotion

    def approve(edge, promotion, who):
        """(done, code or state)"""
        if edge == "cli":
            answer = world.bestow("--token", who["token"], "promotion", "approve", promotion, "-o",
                                  "json", code=None)
            return answer.code == 0, answer.json()["state"] if answer.code == 0 else answer.err
        if edge == "http":
            status, body = world.http("POST", f"/api/v1/promotions/{promotion}/approve", b"{}",
                                      bearer(who))
        else:
            status, body = c.send("promotion.approve", {"promotion_id": promotion},
                                  token=who["token"])
        return status == 200, body["state"] if status == 200 else body["code"]

    for made_over in edges:
        promotion = create(made_over)
        for edge in edges:
            done, said = approve(edge, promotion, ann)
            check(not done and "approver_is_creator" in said,
                  f"made over {made_over}, approved by its creator over {edge}: {said}")
        c.refused("promotion.approve", {"promotion_id": promotion}, 403, "role_insufficient")
        done, said = approve(made_over, promotion, bob)
        check_equal((done, said), (True, "approved"), f"another one approves over {made_over}")
        shown = c.do("promotion.show", {"promotion_id": promotion}, token=bob["token"])
        check_equal((shown["created_by"], shown["approved_by"]), ("ann", "bob"), "who did it")
        facts = [json.loads(line) for line in
                 world.bestow("--token", ann["token"], "log", "cat", "--stream",
                              f"promotion-{promotion}", "-o", "json").out.splitlines()]
        tries = [f for f in facts if f["event"] == "approval_refused"]
        check_equal([(f["data"]["principal"], f["data"]["code"]) for f in tries],
                    [("ann", "approver_is_creator")], "the refused try is recorded")
    # The try over NATS alone is a fact too: no other edge came before it.
    promotion = create("nats")
    check_equal(approve("nats", promotion, ann), (False, "approver_is_creator"), "over NATS")
    facts = world.bestow("--token", ann["token"], "log", "cat", "--stream",
                         f"promotion-{promotion}", "-o", "json").out
    check("approval_refused" in facts, f"the fact: {facts}")
    c.close()


@scenario
def commands_repeat_over_nats(world):
    """A key repeated gets the first answer, over NATS, HTTP and restarts; another body is refused."""
    world.env["BESTOW_NATS_COMMAND_ROLE"] = "admin"
    world.serve()
    c = Commands(world.nats_url())
    first = c.do("promotion.create", DEFINITION, key="order-1")
    again = c.do("promotion.create", DEFINITION, key="order-1")
    check_equal((again["promotion_id"], again["repeated"]), (first["promotion_id"], True), "again")
    c.refused("promotion.create", {**DEFINITION, "default_amount": "1"}, 422,
              "idempotency_key_reused", key="order-1")
    this = {"promotion_id": first["promotion_id"]}
    rows = "customer_uid\n" + "".join(f"{n}\n" for n in range(1, 101))
    batch = {**this, "batch": "b", "rows": rows}
    check_equal(c.do("promotion.import", batch)["repeated"], False, "the batch")
    repeated = c.do("promotion.import", batch)
    check_equal((repeated["repeated"], repeated["accepted"]), (True, 100), "the batch again")
    c.refused("promotion.import", {**batch, "rows": rows + "101\n"}, 409, "batch_content_differs")
    c.do("promotion.seal", this, key="seal-1")
    c.do("promotion.approve", this)
    c.do("promotion.start", this, key="job-1")
    for _ in range(2):
        answer = c.do("promotion.start", this, key="job-1")
        check_equal((answer["repeated"], answer["run_no"]), (True, 1), "start again")
        c.refused("promotion.start", {**this, "run_date": "2026-01-31"}, 422,
                  "idempotency_key_reused", key="job-1")
        world.server.kill()
        world.serve()
        c = Commands(world.nats_url())
    c.close()


@scenario
def commands_refuse_what_they_must(world):
    """What is no command, no JSON, too large or without a reply is told so and does nothing."""
    world.env["BESTOW_NATS_COMMAND_ROLE"] = "admin"
    world.env["BESTOW_HTTP_BODY_MAX"] = "2KiB"
    port = world.own_nats(max_payload=65_536)
    world.serve("--nats", f"nats://127.0.0.1:{port}")
    c = Commands(f"nats://127.0.0.1:{port}")
    said = c.refused("promotion.seel", {}, 404, "command_unknown")
    check("Did you mean 'promotion.seal'" in said["detail"], f"a near word: {said}")
    c.refused("promotion", {}, 404, "command_unknown")
    c.refused("promotion.seal.now", {}, 404, "command_unknown")
    said = c.refused("promotion.create", None, 400, "json_malformed", payload=b'{"a":\n }')
    check_equal(said["line"], 2, f"where: {said}")
    c.refused("promotion.create", None, 400, "json_malformed", payload=b'{"a":"\xff"}')
    c.refused("promotion.create", None, 400, "json_not_an_object", payload=b"[]")
    c.refused("promotion.create", None, 400, "body_missing", payload=b"")
    c.refused("promotion.create", {**DEFINITION, "colour": "red"}, 400, "field_unknown")
    c.refused("promotion.create", None, 413, "body_too_large",
              payload=json.dumps({**DEFINITION, "default_reason": "x" * 3_000}).encode())
    c.refused("promotion.create", DEFINITION, 400, "idempotency_key_invalid", key="a b")
    said = c.refused("promotion.seal", {}, 400, "field_required")
    check_equal(said["field"], "promotion_id", "the field")
    c.refused("promotion.seal", {"promotion_id": "x/../y"}, 400, "id_invalid")
    c.refused("promotion.seal", {"promotion_id": ["1"]}, 400, "field_wrong_type")
    c.refused("promotion.seal", {"promotion_id": 1}, 404, "promotion_not_found")
    c.refused("promotion.show", {"promotion_id": 1, "stall": 1}, 400, "field_unknown")
    c.refused("promotion.list", {"status": "NONE"}, 400, "query_invalid")
    c.refused("promotion.import", {"promotion_id": 1, "batch": "b"}, 400, "field_required")
    c.refused("promotion.import", None, 415, "media_type_unsupported", payload=b"x", headers={
        "Bestow-Promotion-Id": "1", "Content-Type": "application/json"})

    promotion = c.do("promotion.create", DEFINITION)["promotion_id"]
    c.refused("promotion.import", None, 422, "batch_id_missing", payload=b"customer_uid\n1\n",
              headers={"Bestow-Promotion-Id": promotion})
    bad = c.do("promotion.import", payload=b"customer_uid,amount\n1,100\nx,100\n3,0\n", headers={
        "Bestow-Promotion-Id": promotion, "Bestow-Batch": "bad"})
    check_equal([(r["line"], r["field"]) for r in bad["rejects"]],
                [(3, "customer_uid"), (4, "amount")], "bad rows are named")
    rejects = c.do("promotion.rejects", {"promotion_id": promotion, "batch": "bad"})
    check("x,100" in rejects, f"the refused rows as CSV: {rejects}")
    c.refused("promotion.import", None, 422, "strict_import_has_bad_rows",
              payload=b"customer_uid,amount\n11,100\nx,100\n", headers={
                  "Bestow-Promotion-Id": promotion, "Bestow-Batch": "s", "Bestow-Strict": "1"})
    lines = "".join(f'{{"customer_uid":"{n}"}}\n' for n in range(100, 1_600))
    c.do("promotion.import", payload=lines.encode(), headers={
        "Bestow-Promotion-Id": promotion, "Bestow-Batch": "n",
        "Content-Type": "application/x-ndjson"})
    c.do("promotion.seal", {"promotion_id": promotion})
    c.refused("target.list", {"promotion_id": promotion, "limit": 1000}, 413, "answer_too_large")
    check_equal(len(c.do("target.list", {"promotion_id": promotion, "limit": 10})["targets"]), 10,
                "a smaller page")

    # Without a reply subject nobody could be told: not executed, and counted.
    c.nats.publish("bestow.cmd.promotion.approve", json.dumps({"promotion_id": promotion}))

    def ignored():
        text = world.http("GET", "/metrics")[1]
        return "bestow_nats_commands_ignored_total 1" in text
    wait_until(ignored, 10, "it is counted")
    check_equal(state_of(c, promotion), "sealed", "and nothing was done")
    headers, _ = c.nats.ask("bestow.cmdx.promotion.list")
    check_equal(headers.get("Status"), "503", "another prefix is not listened on")
    c.close()


@scenario
def service_discovery(world):
    """$SRV.PING, INFO and STATS are answered as NATS micro services do."""
    world.env["BESTOW_NATS_COMMAND_PREFIX"] = "team.bestow.cmd"
    world.serve()
    c = Commands(world.nats_url(), prefix="team.bestow.cmd")
    c.do("promotion.list")
    c.refused("promotion.show", {"promotion_id": 5}, 404, "promotion_not_found")
    ping = json.loads(c.nats.request("$SRV.PING"))
    check_equal((ping["type"], ping["name"]), ("io.nats.micro.v1.ping_response", "bestow"), "PING")
    check(ping["id"].isalnum() and ping["version"].count(".") == 2, f"{ping}")
    for at in ("bestow", f"bestow.{ping['id']}"):
        check_equal(json.loads(c.nats.request(f"$SRV.PING.{at}")), ping, f"PING.{at}")
    info = json.loads(c.nats.request("$SRV.INFO.bestow"))
    check_equal((info["type"], info["id"]), ("io.nats.micro.v1.info_response", ping["id"]), "INFO")
    subjects = {e["subject"] for e in info["endpoints"]}
    check("team.bestow.cmd.promotion.create" in subjects, f"{subjects}")
    stats = json.loads(c.nats.request(f"$SRV.STATS.bestow.{ping['id']}"))
    check_equal(stats["type"], "io.nats.micro.v1.stats_response", "STATS")
    check(stats["started"].endswith("Z") or "+" in stats["started"], f"{stats['started']}")
    check_equal({e["subject"] for e in stats["endpoints"]}, subjects, "endpoints")
    row = {e["name"]: e for e in stats["endpoints"]}
    show, listed = row["promotion-show"], row["promotion-list"]
    check_equal((show["num_requests"], show["num_errors"], show["last_error"]),
                (1, 1, "404:promotion_not_found"), "promotion-show")
    check_equal((listed["num_requests"], listed["num_errors"], listed["last_error"]), (1, 0, ""),
                "promotion-list")
    check(listed["processing_time"] > 0 and
          listed["average_processing_time"] == listed["processing_time"], f"{listed}")
    c.nats.publish("$SRV.PING", "")  # Nobody to answer: nothing happens.
    c.nats.publish("$SRV.PING.other", "")
    check_equal(json.loads(c.nats.request("$SRV.PING"))["id"], ping["id"], "it still answers")
    c.close()
    check_equal(world.server.stop(), 0, "stopped")
    world.env["BESTOW_NATS_COMMANDS"] = "false"
    world.serve()
    nats = Nats(world.nats_url())
    for subject in ("$SRV.PING", "team.bestow.cmd.promotion.list"):
        check_equal(nats.ask(subject)[0].get("Status"), "503", f"turned off: {subject}")
    nats.close()


@scenario
def commands_survive_the_broker(world):
    """The broker dies in the middle and comes back, embedded and external: commands work again."""
    world.env["BESTOW_NATS_COMMAND_ROLE"] = "admin"
    world.serve()
    world.wallet("--seed", world.seed)
    c = Commands(world.nats_url())
    promotion = c.do("promotion.create", DEFINITION, key="k")["promotion_id"]
    path, summary = world.make_targets("point", 1_000)
    this = {"promotion_id": promotion}

    def kill_broker():
        before = world.nats_pid()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: world.nats_pid() != before, 20, "another nats-server")
        return reconnected(lambda: Commands(world.nats_url()))

    def reconnected(connect):
        """A connection on which Bestow answers again."""
        def tried():
            try:
                client = connect()
                answered = client.nats.ask("bestow.cmd.promotion.list")[0]
                return client if answered.get("Bestow-Status") == "200" else client.close()
            except (OSError, Failure):  # Still away: refused, reset, closed.
                return None
        return wait_until(tried, 30, "commands are answered again")

    c = kill_broker()
    check_equal(c.do("promotion.create", DEFINITION, key="k")["promotion_id"], promotion,
                "the first answer")
    import_over_nats(c, promotion, path)
    c.do("promotion.seal", this)
    c.do("promotion.approve", this)
    c.do("promotion.start", this)
    c = kill_broker()
    flows.check_counts(wait_state(c, promotion, "completed"), summary)
    stats = json.loads(c.nats.request("$SRV.STATS"))
    check(sum(e["num_requests"] for e in stats["endpoints"]) > 5, "counters are kept")
    check_equal(world.server.stop(), 0, "stopped")

    world.data = world.dir / "data2"
    port = world.own_nats()
    url = f"nats://127.0.0.1:{port}"
    world.serve("--nats", url)
    c = Commands(url)
    other = c.do("promotion.create", DEFINITION, key="k")["promotion_id"]
    world.nats.kill()
    world.own_nats(port)
    c = reconnected(lambda: Commands(url))
    check_equal(c.do("promotion.create", DEFINITION, key="k")["promotion_id"], other, "again")
    c.close()
