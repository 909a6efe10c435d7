"""The main job, from a file of targets to a completed and reconciled promotion."""

import os
import threading

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario

MISBEHAVIOUR = ["--transient", "0.02", "--fail", "0.01", "--duplicate", "0.005", "--early", "0.002"]


def targets(default):
    return int(os.environ.get("BESTOW_E2E_TARGETS", default))


def whole_loop(world, kind, **options):
    world.serve()
    world.wallet("--seed", world.seed, *MISBEHAVIOUR)
    promotion, path, summary = flows.prepare(world, kind, targets(20_000), **options)
    started = flows.start(world, promotion)
    check_equal(started["run_no"], 1, "the first run's number")
    body = flows.wait_completed(world, promotion, 60 + targets(20_000) // 500)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, kind, promotion, path)
    nats.close()
    flows.check_log(world)
    check_equal(world.server.stop(), 0, "exit code of a stopped bestow")
    flows.check_log(world, stopped=True)


@scenario
def voucher_loop(world):
    """A voucher promotion completes through a misbehaving wallet and agrees three ways."""
    whole_loop(world, "voucher")


@scenario
def point_loop(world):
    """A point promotion completes through a misbehaving wallet and agrees three ways."""
    whole_loop(world, "point")


@scenario
def one_command(world):
    """`promotion run` goes from a file to completed in one command."""
    world.serve()
    world.wallet("--seed", world.seed)
    path, summary = world.make_targets("point", 5_000)
    answer = world.bestow("promotion", "run", world.promotion_file("point"), path, "-o", "json")
    body = world.show(answer.json()["promotion"]["promotion_id"])
    flows.check_counts(body, summary)
    check_equal(body["success_count"], summary["accepted"], "success_count")


@scenario
def scheduler_job(world):
    """A scheduler runs `start --wait`; the messages stand on the subject, PENDING is PUBLISHED."""
    world.serve()
    promotion, path, _ = flows.prepare(world, "voucher", 3_000)
    first = world.http("GET", f"/api/v1/promotions/{promotion}/targets?limit=1000")[1]["targets"]
    check_equal({row["publish_status"] for row in first}, {"PENDING"}, "before the start")
    world.wallet("--seed", world.seed)
    world.bestow("promotion", "start", promotion, "--run-date", "20260121", "--wait")
    states = flows.final_states(world, promotion)
    check_equal(len(states), 3_000, "targets listed")
    check_equal({s[0] for s in states.values()}, {"PUBLISHED"}, "after the end")
    body = world.show(promotion)
    check_equal(str(body["run_date"]).replace("-", ""), "20260121", "run_date")
    nats = Nats(world.nats_url())
    flows.check_stream(nats, "voucher", promotion, path)
    nats.close()


@scenario
def two_starts_at_once(world):
    """Two starts at the same moment are one run."""
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, "point", 5_000)
    answers = []
    ask = threading.Barrier(8)

    def one_start():
        ask.wait()
        answers.append(world.http("POST", f"/api/v1/promotions/{promotion}/start", b"{}"))

    threads = [threading.Thread(target=one_start) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check_equal([status for status, _ in answers], [200] * 8, f"answers: {answers}")
    check_equal({body["run_no"] for _, body in answers}, {1}, "run numbers")
    body = flows.wait_completed(world, promotion)
    flows.check_counts(body, summary)
    check_equal(body["run_no"], 1, "run_no at the end")
    nats = Nats(world.nats_url())
    flows.check_stream(nats, "point", promotion, path)
    nats.close()


@scenario
def stop_and_resume(world):
    """Stopped at random moments, within a second, and resumed: each grant once, in order."""
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, "point", targets(60_000))
    flows.start(world, promotion)
    runs, stopped_at = 1, []
    for point in sorted(world.rng.uniform(0.02, 0.45) for _ in range(4)):
        wait_until(lambda p=point: flows.progress(world.show(promotion)) >= p, 60,
                   f"progress {point:.2f}")
        answer = world.bestow("promotion", "stop", promotion, "-o", "json", code=None)
        if world.show(promotion)["state"] == "completed":
            break
        check_equal(answer.code, 0, f"stop: {answer.err}")
        check(answer.seconds <= 1.3, f"stop took {answer.seconds:.2f} s with the start of the CLI")
        body = world.show(promotion)
        check_equal(body["state"], "stopped", "state after stop")
        # Everything released is on the stream: what the summary counts is what the stream holds.
        nats = Nats(world.nats_url())
        on_stream = nats.stream_state("GRANTS_POINT")["messages"] - 1
        nats.close()
        check_equal(body["published_count"], on_stream, "published_count of a stopped promotion")
        stopped_at.append(on_stream)
        runs += 1
        resumed = world.bestow("promotion", "resume", promotion, "-o", "json").json()
        check_equal(resumed["run_no"], runs, "run number after resume")
    print(f"stopped at {stopped_at} of {summary['accepted']}")
    body = flows.wait_completed(world, promotion)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, "point", promotion, path)
    nats.close()
    flows.check_log(world)


@scenario
def view_rebuild(world):
    """Every view rebuilt from the log answers the same as before."""
    world.serve()
    world.wallet("--seed", world.seed, *MISBEHAVIOUR)
    promotion, _, _ = flows.prepare(world, "point", 5_000)
    flows.start(world, promotion)
    before = flows.wait_completed(world, promotion)
    states = flows.final_states(world, promotion)
    views = world.bestow("view", "list", "-o", "json").json()["views"]
    check(len(views) >= 3, f"views: {views}")
    for view in views:
        world.bestow("view", "rebuild", view["name"])

    def all_following():
        rows = world.bestow("view", "list", "-o", "json").json()["views"]
        return all(r["state"] == "following" and r["lag"] == 0 for r in rows)

    wait_until(all_following, 60, "every view follows again")
    check_equal(world.show(promotion), before, "the promotion after the rebuild")
    check_equal(flows.final_states(world, promotion), states, "the targets after the rebuild")


@scenario
def external_broker(world):
    """The same loop over a nats-server of one's own."""
    port = world.own_nats()
    url = f"nats://127.0.0.1:{port}"
    world.serve("--nats", url)
    world.spawn("wallet", [world.tools.wallet, "--nats", url, "--data", world.dir / "wallet"])
    promotion, path, summary = flows.prepare(world, "voucher", 3_000)
    flows.start(world, promotion)
    flows.check_counts(flows.wait_completed(world, promotion), summary)
    nats = Nats(url)
    flows.check_stream(nats, "voucher", promotion, path)
    nats.close()


@scenario
def empty_list(world):
    """A promotion of zero targets completes at once."""
    world.serve()
    promotion, _, _ = flows.prepare(world, "point", 0)
    flows.start(world, promotion)
    body = flows.wait_completed(world, promotion, 20)
    check_equal(body["total_count"], 0, "total_count")


@scenario
def run_strict_and_cp949(world):
    """promotion run takes the import's --strict and --encoding: nothing is granted of a bad list."""
    world.serve()
    world.wallet("--seed", world.seed)
    definition = world.promotion_file("point")
    bad, good = world.dir / "bad.csv", world.dir / "cp949.csv"
    bad.write_text("customer_uid,reason\n1,새해\nx,새해\n")
    refused = world.bestow("promotion", "run", definition, bad, "--strict", code=3)
    check("strict_import_has_bad_rows" in refused.err, refused.err)
    _, page = world.http("GET", "/api/v1/promotions")
    check_equal([p["state"] for p in page["promotions"]], ["draft"], "nothing was started")
    good.write_bytes("customer_uid,reason\n1,새해맞이\n2,새해맞이\n".encode("cp949"))
    done = world.bestow("promotion", "run", definition, good, "--encoding", "cp949", "-o", "json")
    check_equal(done.json()["promotion"]["success_count"], 2, "granted")
    promotion = done.json()["promotion"]["promotion_id"]
    _, page = world.http("GET", f"/api/v1/promotions/{promotion}/targets")
    check_equal({t["reason"] for t in page["targets"]}, {"새해맞이"}, "reasons")
