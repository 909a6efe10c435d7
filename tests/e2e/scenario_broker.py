"""What a broker can do to us: freeze, lose its streams, carry a stranger's messages."""

import os
import signal

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario
from scenario_loop import targets


def running(world, count):
    """A started promotion that has begun to publish."""
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, path, summary = flows.prepare(world, "point", count)
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] > 0, 30, "the first grants")
    return promotion, path, summary


def not_ready(world, words):
    """/readyz says 503 and names the trouble."""
    def told():
        status, body = world.http("GET", "/readyz", quiet=True)
        return status == 503 and all(w in str(body) for w in words)
    wait_until(told, 30, f"/readyz answers 503 with {words}")


@scenario
def frozen_broker(world):
    """With a frozen broker stop is never called done; thawed, all goes on and nothing is twice."""
    promotion, path, summary = running(world, targets(60_000))
    broker = world.nats_pid()
    os.kill(broker, signal.SIGSTOP)
    try:
        answer = world.bestow("promotion", "stop", promotion, code=None)
        frozen = world.http("GET", f"/api/v1/promotions/{promotion}?stale=1")[1]["state"]
    finally:
        os.kill(broker, signal.SIGCONT)
    print(f"stop of a frozen broker: exit {answer.code} after {answer.seconds:.2f} s, then {frozen}")
    if answer.code != 0:
        check(answer.seconds <= 3, f"stop took {answer.seconds:.2f} s")
        check(answer.code in (1, 5), f"stop of a frozen broker: exit {answer.code} {answer.err}")
        check("broker_unavailable" in answer.err, f"names the fault: {answer.err}")
        check(frozen != "stopped", "not stopped while released messages are unconfirmed")
    else:
        check_equal(frozen, "stopped", "state after an acknowledged stop")

    def rests():
        return world.show(promotion)["state"] in ("stopped", "completed")

    wait_until(rests, 30, "the promotion becomes stopped by itself")
    if world.show(promotion)["state"] == "stopped":
        world.bestow("promotion", "resume", promotion)
    body = flows.wait_completed(world, promotion)
    flows.check_counts(body, summary)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, "point", promotion, path)
    nats.close()


@scenario
def external_broker_outage(world):
    """An external broker is away for a while and comes back: the run goes on, each grant once."""
    port = world.own_nats()
    url = f"nats://127.0.0.1:{port}"
    world.serve("--nats", url)
    world.spawn("wallet", [world.tools.wallet, "--nats", url, "--data", world.dir / "wallet"])
    promotion, path, summary = flows.prepare(world, "point", targets(60_000))
    flows.start(world, promotion)
    wait_until(lambda: world.show(promotion)["published_count"] > 0, 30, "the first grants")
    world.nats.kill()
    not_ready(world, ["broker"])
    body = world.show(promotion)
    check_equal(body["state"], "running", "the promotion waits")
    world.own_nats(port)
    body = flows.wait_completed(world, promotion)
    flows.check_counts(body, summary)
    nats = Nats(url)
    flows.check_stream(nats, "point", promotion, path)
    nats.close()


@scenario
def wiped_stream(world):
    """A stream that was deleted is not filled anew: publishing halts and says so."""
    promotion, _, _ = running(world, 1_000)
    flows.wait_completed(world, promotion)
    check_equal(world.server.stop(), 0, "exit code of a stopped bestow")
    store = world.data / "nats" / "jetstream"
    streams = list(store.glob("*/streams/GRANTS_POINT"))
    check_equal(len(streams), 1, f"the stream's directory under {store}")
    os.rename(streams[0], world.dir / "wiped")
    check_halted(world, "broker_stream_missing")
    # The other stream is unharmed.
    other, path, _ = flows.prepare(world, "voucher", 200)
    flows.start(world, other)
    flows.wait_completed(world, other)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, "voucher", other, path)
    nats.close()


def check_halted(world, code):
    command = [world.tools.bestow, "serve", "--data", world.data, "--listen",
               f"127.0.0.1:{world.port}"]
    world.server = world.spawn("bestow", command)
    not_ready(world, ["halted", code])
    doctor = world.bestow("doctor", code=None)
    check(doctor.code != 0 and code in doctor.out + doctor.err, f"doctor: {doctor.out}")
    cat = world.bestow("log", "cat", "--stream", "delivery-point", "-o", "json").out
    check("stream_halted" in cat, "the halt is a fact")


@scenario
def stranger_on_the_stream(world):
    """A message that the log never planned halts the stream; nothing is published after it."""
    promotion, _, _ = running(world, 1_000)
    flows.wait_completed(world, promotion)
    nats = Nats(world.nats_url())
    nats.publish_stored("prepay.campaign.point.publish.0", '{"payload":{}}')
    last = nats.stream_state("GRANTS_POINT")["last_seq"]
    nats.close()
    check_equal(world.server.stop(), 0, "exit code of a stopped bestow")
    check_halted(world, "broker_stream_ahead")
    other, _, _ = flows.prepare(world, "point", 100, seed=world.seed + 1)
    refused = world.bestow("promotion", "start", other, code=3)
    check("stream_must_be_adopted" in refused.err, f"a named refusal: {refused.err}")
    refused = world.bestow("nats", "adopt", "--yes", code=3)
    check("stream_cannot_be_adopted" in refused.err and f"sequence {last}" in refused.err,
          f"says which message: {refused.err}")
    refused = world.bestow("nats", "rebuild", "--yes", code=3)
    check("stream_must_be_adopted" in refused.err, f"nothing is thrown away: {refused.err}")
    nats = Nats(world.nats_url())
    check_equal(nats.stream_state("GRANTS_POINT")["last_seq"], last, "the stream's end")
    nats.close()
