"""What surrounds a promotion's runs: schedule, cancel, close, retry, recall, result deadline."""

import datetime
import json
import os

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario


def targets(default):
    return int(os.environ.get("BESTOW_E2E_TARGETS", default))


def in_seconds(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds")


def run_with_failures(world, kind, count, *misbehaviour):
    """A completed promotion with failed targets, and a wallet that no longer fails."""
    wallet = world.wallet("--seed", world.seed, *misbehaviour)
    promotion, path, summary = flows.prepare(world, kind, count)
    flows.start(world, promotion)
    body = flows.wait_completed(world, promotion)
    wallet.stop()
    return promotion, path, summary, body


def grants_of(nats, kind, promotion):
    """Target -> attempts in stream order, and the recalls of one promotion."""
    attempts, recalls = {}, {}
    for _, subject, payload in nats.read_all(flows.STREAM[kind]):
        if subject.endswith(".log"):
            continue
        said = json.loads(payload)["payload"]
        if said["eventId"] != str(promotion):
            continue
        target = int(said[flows.ID_FIELD[kind]])
        if ".recall." in subject:
            recalls.setdefault(target, []).append(said)
        else:
            attempts.setdefault(target, []).append(int(said["attempt"]))
    return attempts, recalls


@scenario
def retry_failed(world):
    """Failed targets are published again as their next attempt, and the others are not."""
    world.serve()
    count = targets(4_000)
    promotion, path, summary, first = run_with_failures(world, "voucher", count, "--fail", "0.1")
    check(first["fail_count"] > 0, "some targets failed")
    check_equal(first["run_no"], 1, "the first run's number")
    world.bestow("promotion", "retry", promotion, "--status", "unknown", code=3)
    world.wallet("--seed", world.seed)
    answer = world.bestow("promotion", "retry", promotion, "--wait", "-o", "json")
    body = answer.json()
    check_equal(body["state"], "completed", "state after the retry")
    check_equal(body["run_no"], 2, "a retry is another run")
    check_equal(body["fail_count"], 0, "fail_count after the retry")
    check_equal(body["success_count"], summary["accepted"], "success_count after the retry")
    check_equal(body["retry_success_count"], first["fail_count"], "retry_success_count")
    check_equal(body["completed_at"], first["completed_at"], "the first completed_at is kept")
    nothing = world.bestow("promotion", "retry", promotion, code=3)
    check("nothing_to_retry" in nothing.err, f"the refusal's name: {nothing.err}")
    attempts, _ = grants_of(Nats(world.nats_url()), "voucher", promotion)
    check_equal(sum(a == [1, 2] for a in attempts.values()), first["fail_count"], "second attempts")
    check_equal(sum(a == [1] for a in attempts.values()),
                summary["accepted"] - first["fail_count"], "targets published once")
    flows.check_three_ways(world, promotion, body)
    flows.check_log(world)


@scenario
def retry_named(world):
    """One failed target is retried by its id; a target that did not fail is refused by name."""
    world.serve()
    promotion, path, _, first = run_with_failures(world, "point", 500, "--fail", "0.1")
    page = world.bestow("target", "list", promotion, "--status", "failed", "-o", "json").json()
    good = world.bestow("target", "list", promotion, "--status", "success", "-o", "json").json()
    failed = page["targets"][0]["point_target_id"]
    granted = good["targets"][0]["point_target_id"]
    refused = world.bestow("promotion", "retry", promotion, "--target", granted, code=3)
    check("target_not_retryable" in refused.err and granted in refused.err, refused.err)
    missing = world.bestow("promotion", "retry", promotion, "--target", "999999999", code=4)
    check("target_not_found" in missing.err, missing.err)
    world.wallet("--seed", world.seed)
    body = world.bestow("promotion", "retry", promotion, "--target", failed, "--wait", "-o",
                        "json").json()
    check_equal(body["fail_count"], first["fail_count"] - 1, "one target fewer has failed")
    shown = world.bestow("target", "show", promotion, failed, "-o", "json").json()
    check_equal((shown["status"], shown["attempt"]), ("success", 2), "the retried target")


@scenario
def retry_survives_kills(world):
    """bestow is killed again and again while it retries; every failed target is retried once."""
    world.serve()
    count = targets(20_000)
    promotion, path, summary, first = run_with_failures(world, "point", count, "--fail", "0.5")
    world.wallet("--seed", world.seed)
    world.bestow("promotion", "retry", promotion)
    for _ in range(int(os.environ.get("BESTOW_E2E_KILLS", 3))):
        half = world.rng.random() * summary["accepted"]
        wait_until(lambda: world.show(promotion)["state"] == "completed"
                   or world.show(promotion)["retry_success_count"] >= half / 4, 60, "progress")
        world.server.kill()
        world.serve()
    body = flows.wait_completed(world, promotion)
    check_equal(body["success_count"], summary["accepted"], "success_count")
    attempts, _ = grants_of(Nats(world.nats_url()), "point", promotion)
    check_equal(sum(a == [1, 2] for a in attempts.values()), first["fail_count"], "second attempts")
    check_equal(max(len(a) for a in attempts.values()), 2, "attempts of a target")
    flows.check_log(world)


@scenario
def recall_granted(world):
    """Granted targets are taken back once, named ones first, then all the rest."""
    world.serve()
    world.wallet("--seed", world.seed, "--fail", "0.1")
    promotion, path, summary = flows.prepare(world, "point", targets(2_000))
    flows.start(world, promotion)
    body = flows.wait_completed(world, promotion)
    page = world.bestow("target", "list", promotion, "--status", "success", "--limit", "3", "-o",
                        "json").json()
    named = [t["point_target_id"] for t in page["targets"]]
    ids = world.dir / "ids.csv"
    ids.write_text("point_target_id\n" + "\n".join(named) + "\n")
    world.bestow("promotion", "recall", promotion, "--reason", "오지급 회수", "--targets", ids, code=3)
    world.bestow("--yes", "promotion", "recall", promotion, "--reason", "오지급 회수",
                 "--targets", ids)
    wait_until(lambda: world.show(promotion)["recalled_count"] == 3, 30, "three are taken back")
    again = world.bestow("--yes", "promotion", "recall", promotion, "--reason", "again",
                         "--targets", ids, code=3)
    check("target_not_granted" in again.err, again.err)
    world.server.kill()
    world.serve()
    world.bestow("--yes", "promotion", "recall", promotion, "--reason", "all of it")
    wait_until(lambda: world.show(promotion)["recalled_count"] == body["success_count"], 60,
               "everything granted is taken back")
    end = world.show(promotion)
    check_equal(end["success_count"], body["success_count"], "success_count keeps its meaning")
    check_equal(end["recalled_amount"], body["success_amount"], "recalled_amount")
    check_equal(end["state"], "completed", "a recall is no run")
    nothing = world.bestow("--yes", "promotion", "recall", promotion, "--reason", "x", code=3)
    check("nothing_to_recall" in nothing.err, nothing.err)
    _, recalls = grants_of(Nats(world.nats_url()), "point", promotion)
    check_equal(len(recalls), body["success_count"], "targets with a recall message")
    check(all(len(r) == 1 for r in recalls.values()), "one recall message each")
    check_equal(recalls[int(named[0])][0]["recallReason"], "오지급 회수", "recallReason")
    money = flows.ledger(world, promotion)
    check_equal(int(money["recalled_count"]), body["success_count"], "recalls in the ledger")
    shown = world.bestow("target", "show", promotion, named[0], "-o", "json").json()
    check_equal((shown["status"], shown["recall_status"]), ("success", "recalled"), "the target")
    flows.check_three_ways(world, promotion, end)
    flows.check_log(world)


@scenario
def recall_needs_answers(world):
    """Nothing is recalled while an attempt is open."""
    world.serve()
    promotion, path, _ = flows.prepare(world, "point", 200)
    never = world.bestow("--yes", "promotion", "recall", promotion, "--reason", "x", code=3)
    check("never_run" in never.err, never.err)
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] == 200, 30, "all is published")
    world.bestow("promotion", "stop", promotion)
    refused = world.bestow("--yes", "promotion", "recall", promotion, "--reason", "x", code=3)
    check("attempt_open" in refused.err, refused.err)


@scenario
def overdue_results(world):
    """Targets without an answer in time become unknown, and a later answer still counts."""
    world.env["BESTOW_GRANTS_RESULT_DEADLINE"] = "1s"
    world.serve()
    wallet = world.wallet("--seed", world.seed, "--drop", "0.2")
    promotion, path, summary = flows.prepare(world, "voucher", targets(2_000))
    flows.start(world, promotion)
    body = flows.wait_completed(world, promotion)
    check(body["unknown_count"] > 0, "some answers never came")
    check_equal(body["unknown_count"] + body["success_count"], summary["accepted"], "all are terminal")
    wallet.stop()
    world.wallet("--seed", world.seed)
    end = world.bestow("promotion", "retry", promotion, "--status", "unknown", "--wait", "-o",
                       "json").json()
    check_equal((end["unknown_count"], end["success_count"]), (0, summary["accepted"]), "the end")
    flows.check_three_ways(world, promotion, end)


@scenario
def overdue_after_restart(world):
    """The deadline passes while bestow is down: a stopped promotion's targets become unknown."""
    world.env["BESTOW_GRANTS_RESULT_DEADLINE"] = "1s"
    world.serve()
    promotion, path, summary = flows.prepare(world, "point", 300)
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] == 300, 30, "all is published")
    world.server.kill()
    world.serve()
    body = flows.wait_completed(world, promotion)
    check_equal(body["unknown_count"], summary["accepted"], "unknown_count")


@scenario
def scheduled_start(world):
    """A scheduled promotion starts itself, also when its time came while bestow was down."""
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, _, summary = flows.prepare(world, "point", 300)
    late, _, _ = flows.prepare(world, "point", 200)
    past = world.bestow("promotion", "schedule", promotion, "--at", in_seconds(-5), code=3)
    check("start_time_in_past" in past.err, past.err)
    world.bestow("promotion", "schedule", promotion, "--at", in_seconds(3600))
    world.bestow("promotion", "schedule", promotion, "--at", in_seconds(1))
    check_equal(world.show(promotion)["promotion_status"], "READY", "status while it waits")
    due = in_seconds(1)
    world.bestow("promotion", "schedule", late, "--at", due)
    world.server.kill()
    wait_until(lambda: in_seconds(0) > due, 10, "the time has come")
    world.serve()
    body = flows.wait_completed(world, promotion, 30)
    check_equal(body["success_count"], summary["accepted"], "success_count")
    flows.wait_completed(world, late, 30)
    check_equal(body["run_no"], 1, "it started once")


@scenario
def cancel_before_the_run(world):
    """A promotion is cancelled before its first run; its voucher numbers are free again."""
    world.serve()
    promotion, path, summary = flows.prepare(world, "voucher", 200)
    world.bestow("promotion", "cancel", promotion, code=3)
    world.bestow("--yes", "promotion", "cancel", promotion, "--reason", "wrong list")
    body = world.show(promotion)
    check_equal((body["state"], body["promotion_status"], body["end_reason"]),
                ("cancelled", "STOPPED", "wrong list"), "the cancelled promotion")
    for verb in ("seal", "approve", "start", "stop"):
        refused = world.bestow("promotion", verb, promotion, code=3)
        check("promotion_cancelled" in refused.err, f"{verb}: {refused.err}")
    world.server.kill()
    world.serve()
    second = flows.create(world, "voucher")
    answer = world.bestow("promotion", "import", second, path, "-o", "json").json()
    check_equal(answer["accepted"], summary["accepted"], "the same numbers again")
    run, _, _ = flows.prepare(world, "point", 50)
    world.wallet("--seed", world.seed)
    flows.start(world, run)
    flows.wait_completed(world, run)
    late = world.bestow("--yes", "promotion", "cancel", run, code=3)
    check("cancel_after_start" in late.err, late.err)


@scenario
def close_abandons_the_rest(world):
    """Closing a stopped promotion abandons what was never published; the answered rest completes it."""
    world.env["BESTOW_GRANTS_RATE"] = "4000"
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, "point", 20_000)
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] > 2_000, 30, "some are published")
    early = world.bestow("--yes", "promotion", "close", promotion, code=3)
    check("close_while_open" in early.err, early.err)
    world.bestow("promotion", "stop", promotion)
    world.bestow("--yes", "promotion", "close", promotion, "--reason", "campaign is over")
    body = flows.wait_completed(world, promotion)
    check(body["abandoned_count"] > 0, "something was abandoned")
    check_equal(body["abandoned_count"] + body["success_count"], summary["accepted"], "G2")
    check_equal(body["closed"], True, "closed")
    for verb in ("resume", "retry"):
        refused = world.bestow("promotion", verb, promotion, code=3)
        check("promotion_closed" in refused.err or "not_stopped" in refused.err, refused.err)
    reconciled = world.bestow("promotion", "reconcile", promotion, "-o", "json", code=None)
    check_equal(reconciled.json()["consistent"], True, f"reconciliation: {reconciled.out[:800]}")
    flows.check_log(world)


@scenario
def idempotency_keys_of_verbs(world):
    """A verb repeated under its key gets the first answer; another verb under it is refused."""
    world.serve()
    world.wallet("--seed", world.seed, "--fail", "0.5")
    promotion, _, _ = flows.prepare(world, "point", 100)
    key = {"Idempotency-Key": "job-1"}
    path = f"/api/v1/promotions/{promotion}"
    check_equal(world.http("POST", path + "/start", b"{}", key)[0], 200, "start")
    flows.wait_completed(world, promotion)
    for _ in range(2):
        status, answer = world.http("POST", path + "/start", b"{}", key)
        check_equal((status, answer["repeated"]), (200, True), "start again")
        world.server.kill()
        world.serve()
    status, answer = world.http("POST", path + "/retry", b"{}", key)
    check_equal((status, answer["code"]), (422, "idempotency_key_reused"), "another verb")
    retry = {"Idempotency-Key": "job-2"}
    check_equal(world.http("POST", path + "/retry", b"{}", retry)[0], 200, "retry")
    flows.wait_completed(world, promotion)
    status, answer = world.http("POST", path + "/retry", b"{}", retry)
    check_equal((status, answer["repeated"], answer["run_no"]), (200, True, 2), "retry again")
