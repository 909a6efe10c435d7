"""Many things at once: promotions side by side, retries beside recalls, kills in between."""

import os
import signal
import threading

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario
from scenario_life import grants_of, targets


def prepare_all(world, wanted):
    """Promotions of [(kind, count)], ready to start: [(id, kind, count, path, summary)]."""
    ready = []
    for kind, count in wanted:
        promotion, path, summary = flows.prepare(world, kind, count,
                                                 seed=f"{world.seed % 100_000}{len(ready)}")
        ready.append((promotion, kind, summary["accepted"], path, summary))
    return ready


def start_together(world, promotions):
    def start(promotion):
        world.http("POST", f"/api/v1/promotions/{promotion}/start", b"{}")
    threads = [threading.Thread(target=start, args=(p,)) for p in promotions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def published(world):
    """Promotion -> published_count, of all at one moment."""
    status, page = world.http("GET", "/api/v1/promotions?limit=100")
    check_equal(status, 200, f"the list of promotions: {page}")
    return {str(p["promotion_id"]): p["published_count"] for p in page["promotions"]}


@scenario
def ten_promotions_at_once(world):
    """Ten promotions of equal size side by side advance alike; a small late one is not starved."""
    count = targets(10_000)
    world.env["BESTOW_GRANTS_RATE"] = str(count)  # Of each type: five lists take five seconds.
    world.env["BESTOW_GRANTS_CHUNK"] = "100"
    world.serve()
    world.wallet("--seed", world.seed)
    ready = prepare_all(world, [("voucher", count), ("point", count)] * 5)
    late = prepare_all(world, [("point", 200)])[0]
    start_together(world, [r[0] for r in ready])
    ids = [str(r[0]) for r in ready]
    began = wait_until(lambda: (now := published(world)) and min(now[i] for i in ids) > 0 and now, 60,
                       "each of them publishes")

    spread = {"voucher": 1.0, "point": 1.0}  # The least advance since then, by the greatest.
    small_at = None
    late_done = []

    def watch():
        nonlocal small_at
        now = published(world)
        for kind in spread:
            mine = [str(r[0]) for r in ready if r[1] == kind]
            gained = [now[i] - began[i] for i in mine]
            if max(gained) > 0.3 * count and max(now[i] for i in mine) < count:
                spread[kind] = min(spread[kind], min(gained) / max(gained))
        points = sum(now[str(r[0])] for r in ready if r[1] == "point") / (5 * count)
        if small_at is None and points > 0.4:
            flows.start(world, late[0])
            small_at = points
        if small_at is not None and now[str(late[0])] == late[2] and points < 1.0:
            late_done.append(points)
        return all(now[i] == count for i in ids)

    wait_until(watch, 240, "everything is published")
    check(max(began.values()) < 0.6 * count, "they were side by side for most of it")
    for kind, least in spread.items():
        check(least > 0.6, f"{kind}: the last had {least:.2f} of what the first had")
    check(late_done, "the small late one was published before the big ones were")
    print(f"last/first: vouchers {spread['voucher']:.2f}, points {spread['point']:.2f}; the late one"
          f" began at {small_at:.2f} and was published at {late_done[0]:.2f} of the points")
    for promotion, kind, accepted, path, summary in [*ready, late]:
        body = flows.wait_completed(world, promotion, 240)
        flows.check_counts(body, summary)
        flows.check_three_ways(world, promotion, body)
    flows.check_log(world)


@scenario
def retries_and_recalls_killed(world):
    """A retry of every target beside a recall of every target, while each process is killed."""
    world.serve()
    count = targets(5_000)
    good = world.wallet("--seed", world.seed)
    taken, _, granted = flows.prepare(world, "voucher", count)
    flows.start(world, taken)
    flows.wait_completed(world, taken, 600)
    good.stop()
    bad = world.wallet("--seed", world.seed, "--fail", "1.0")
    again, path, listed = flows.prepare(world, "point", count)
    flows.start(world, again)
    first = flows.wait_completed(world, again, 600)
    check_equal(first["fail_count"], listed["accepted"], "every target failed")
    bad.stop()
    wallet = [world.wallet("--seed", world.seed)]
    world.bestow("promotion", "retry", again)
    world.bestow("--yes", "promotion", "recall", taken, "--reason", "오지급 회수")
    retry_and_recall_under_kills(world, again, taken, wallet, listed["accepted"])
    body = flows.wait_completed(world, again, 600)
    wait_until(lambda: world.show(taken)["recalled_count"] == granted["accepted"], 600,
               "all is taken back")
    check_equal((body["success_count"], body["retry_success_count"], body["fail_count"]),
                (listed["accepted"], listed["accepted"], 0), "the retried promotion's counts")
    nats = Nats(world.nats_url())
    attempts, _ = grants_of(nats, "point", again)
    check(all(a == [1, 2] for a in attempts.values()), "two attempts of each target, in order")
    check_equal(len(attempts), listed["accepted"], "targets on the stream")
    _, recalls = grants_of(nats, "voucher", taken)
    check(all(len(r) == 1 for r in recalls.values()), "one recall message each")
    check_equal(len(recalls), granted["accepted"], "recalled targets on the stream")
    end = world.show(taken)
    check_equal(end["recalled_amount"], end["success_amount"], "recalled_amount")
    check_equal(int(flows.ledger(world, taken)["recalled_count"]), granted["accepted"],
                "recalls in the ledger")
    flows.check_three_ways(world, again, body)
    flows.check_three_ways(world, taken, end)
    flows.check_log(world)


def retry_and_recall_under_kills(world, again, taken, wallet, count):
    """Kills one process after the other at random points of the two."""
    def kill_bestow():
        world.server.kill()
        world.serve()

    def kill_broker():
        old = world.nats_pid()
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: world.nats_pid() != old, 30, "a new nats-server")

    def kill_wallet():
        wallet[0].kill()
        wallet[0] = world.wallet("--seed", world.seed)

    def progress():
        bodies = [world.http("GET", f"/api/v1/promotions/{p}", quiet=True) for p in (again, taken)]
        if any(status != 200 for status, _ in bodies):
            return None
        return (bodies[0][1]["retry_success_count"] + bodies[1][1]["recalled_count"]) / (2 * count)

    kills = int(os.environ.get("BESTOW_E2E_KILLS", 6))
    for i, point in enumerate(sorted(world.rng.random() * 0.9 for _ in range(kills))):
        at = wait_until(lambda: (p := progress()) is not None and p >= point and p + 1, 120,
                        f"{point:.2f} of the answers") - 1
        strike = (kill_bestow, kill_broker, kill_wallet)[i % 3]
        strike()
        print(f"{strike.__name__} at {at:.2f}")
