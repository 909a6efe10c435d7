"""A log restored from an older backup, and a stream that knows more than it does."""

import shutil

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario
from scenario_streams import STREAM, contents, stream_row, wait_state


def service(world, port):
    world.server = world.spawn("bestow", [
        world.tools.bestow, "serve", "--data", world.data, "--listen", f"127.0.0.1:{world.port}",
        "--nats", f"nats://127.0.0.1:{port}"])
    wait_until(lambda: world.http("GET", "/healthz", quiet=True)[0] == 200, 30, "alive")


def backup(world, name):
    """A stopped data directory, copied."""
    check_equal(world.server.stop(), 0, "exit code of a stopped bestow")
    shutil.copytree(world.data, world.dir / name)


def restore(world, name):
    world.server.kill()
    shutil.rmtree(world.data)
    shutil.copytree(world.dir / name, world.data)


@scenario
def restored_log_adopts(world):
    """Grants that only the stream knows are proved, taken into the log, and never sent again."""
    port = world.own_nats()
    url = f"nats://127.0.0.1:{port}"
    world.env["BESTOW_GRANTS_RATE"] = "4000"
    service(world, port)
    world.spawn("wallet", [world.tools.wallet, "--nats", url, "--data", world.dir / "wallet"])
    running, path, summary = flows.prepare(world, "point", 12_000)
    sealed, other_path, other_summary = flows.prepare(world, "point", 2_000, seed=world.seed + 1)
    flows.start(world, running)
    wait_until(lambda: world.show(running)["published_count"] > 1_000, 30, "the first grants")
    backup(world, "backup")
    service(world, port)
    flows.start(world, sealed)  # The backup does not even know that it was started.
    wait_until(lambda: world.show(running)["published_count"] > 6_000, 60, "more grants")
    wait_until(lambda: world.show(sealed)["published_count"] > 500, 60, "grants of the other")
    restore(world, "backup")

    nats = Nats(url)
    last = nats.stream_state(STREAM)["last_seq"]
    service(world, port)
    wait_state(world, "halted", "broker_stream_ahead")
    status, body = world.http("GET", "/readyz")
    check_equal(status, 503, f"/readyz: {body}")
    refused = world.bestow("promotion", "start", sealed, code=3)
    check("stream_must_be_adopted" in refused.err, f"no start before: {refused.err}")
    check_equal(nats.stream_state(STREAM)["last_seq"], last, "nothing was published")

    done = world.bestow("nats", "adopt", "--yes", "-o", "json").json()
    check_equal(done["last_seq"], last, "everything was taken in")
    check(done["message_count"] > 4_000, f"grants were taken in: {done}")
    wait_state(world, "ready")
    again = world.bestow("nats", "adopt", STREAM, "--yes", code=3)
    check("stream_is_not_ahead" in again.err, again.err)
    check_equal(stream_row(world)["generation"], 1, "the generation goes on")

    # Both go on behind the last grant; the wallet sees each target once and pays it once.
    flows.start(world, sealed)
    for promotion, targets, expected in ((running, path, summary),
                                         (sealed, other_path, other_summary)):
        body = flows.wait_completed(world, promotion)
        flows.check_counts(body, expected)
        flows.check_stream(nats, "point", promotion, targets)
        flows.check_three_ways(world, promotion, body)
    flows.check_log(world)
    nats.close()


@scenario
def adoption_is_all_or_nothing(world):
    """One message that is no grant of this log, and nothing is adopted; the command says which."""
    port = world.own_nats()
    url = f"nats://127.0.0.1:{port}"
    service(world, port)
    world.spawn("wallet", [world.tools.wallet, "--nats", url, "--data", world.dir / "wallet"])
    first, _, _ = flows.prepare(world, "point", 1_000)
    flows.start(world, first)
    flows.wait_completed(world, first)
    backup(world, "backup")
    service(world, port)
    lost, _, _ = flows.prepare(world, "point", 500, seed=world.seed + 1)
    flows.start(world, lost)
    flows.wait_completed(world, lost)
    restore(world, "backup")
    service(world, port)
    wait_state(world, "halted", "broker_stream_ahead")
    nats = Nats(url)
    before = contents(nats)
    head = world.bestow("log", "stat", "-o", "json").json()["head_position"]
    refused = world.bestow("nats", "adopt", "--yes", code=3)
    check("stream_cannot_be_adopted" in refused.err, refused.err)
    check("sequence 1002" in refused.err and f"promotion {lost}" in refused.err, refused.err)
    check_equal(world.bestow("log", "stat", "-o", "json").json()["head_position"], head, "the log")
    check_equal(contents(nats), before, "the stream")
    nats.close()
