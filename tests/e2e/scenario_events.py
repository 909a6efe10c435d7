"""Every fact on the event stream, in log order, exactly once."""

import json

import flows
from harness import check, check_equal, wait_until
from nats_client import Nats
from registry import scenario


def facts_of_log(world):
    """Position -> fact, as the log says."""
    facts, start = {}, 1
    while start:
        status, page = world.http("GET", f"/api/v1/log?from={start}&limit=1000")
        check_equal(status, 200, "GET log")
        facts.update({f["position"]: f for f in page["facts"]})
        start = page["next"]
    return facts


def check_events(world):
    nats = Nats(world.nats_url())
    head = world.http("GET", "/api/v1/log/stat")[1]["head_position"]
    wait_until(lambda: sum(1 for _ in nats.read_all("BESTOW_EVENTS")) >= head, 30,
               "the event stream has reached the head")
    facts = facts_of_log(world)
    seen = 0
    for seq, subject, payload in nats.read_all("BESTOW_EVENTS"):
        if seq > head:
            break
        seen += 1
        fact = facts[seq]
        event = json.loads(payload)
        check_equal(seq, seen, "sequences have no hole")
        check_equal(event["position"], seq, "a sequence is a position")
        check_equal((event["stream"], event["event"], event["version"]),
                    (fact["stream"], fact["event"], fact["version"]), f"fact {seq}")
        check(subject.startswith("bestow.evt.") and subject.endswith("." + fact["event"]),
              f"subject of fact {seq}: {subject}")
    check_equal(seen, head, "facts on the event stream")
    nats.close()


@scenario
def event_stream(world):
    """A run's facts are on the event stream within a second, also after kills of bestow and broker."""
    world.serve()
    world.wallet("--seed", world.seed)
    promotion, _, summary = flows.prepare(world, "point", 5_000)
    flows.start(world, promotion)
    for _ in range(2):
        world.server.kill()
        world.serve()
    body = flows.wait_completed(world, promotion)
    check_equal(body["success_count"], summary["accepted"], "success_count")
    check_events(world)
    world.server.stop()
    world.serve()
    check_events(world)


@scenario
def event_stream_off(world):
    """Without publish_events there is no event stream."""
    world.env["BESTOW_GRANTS_PUBLISH_EVENTS"] = "false"
    world.serve()
    flows.prepare(world, "point", 10)
    nats = Nats(world.nats_url())
    names = nats.request("$JS.API.STREAM.NAMES", b"")
    check("BESTOW_EVENTS" not in str(names), f"streams: {names}")
    nats.close()
