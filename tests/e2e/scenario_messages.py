"""The wires: what stands on the streams, message by message."""

import json

import flows
from harness import check, check_equal
from nats_client import Nats
from registry import scenario
from scenario_faults import at_random_points, kills
from scenario_loop import MISBEHAVIOUR, targets
from wire import grants_of


def releases(world):
    """Every targets_released of the log, in log order."""
    answer = world.bestow("log", "cat", "--limit", 10_000_000, "-o", "json")
    rows = [json.loads(line) for line in answer.out.splitlines()]
    return [row for row in rows if row["event"] == "targets_released"]


def check_plan(world, nats, kind, batch_size):
    """Every sequence holds the grants that the log plans there; the number of messages."""
    stored = {seq: (subject, payload)
              for seq, subject, payload in nats.read_all(flows.STREAM[kind])}
    seq = 1
    for row in releases(world):
        fact = row["data"]
        left = fact["ordinals"]["count"]
        for _ in range(fact["message_count"]):
            seq += 1
            check(seq in stored, f"sequence {seq} is planned and missing")
            subject, payload = stored[seq]
            check_equal(subject, f"{fact['topic']}.{fact['partition']}", f"subject of {seq}")
            grants = grants_of(payload)
            check(1 <= len(grants) <= batch_size, f"{len(grants)} grants in sequence {seq}")
            check_equal({g["attempt"] for g in grants}, {str(fact["attempt"])}, f"attempt of {seq}")
            left -= len(grants)
        check_equal(left, 0, f"grants of the release at {row['position']} that no message holds")
    check_equal(max(stored), seq, "the stream's last sequence")
    return seq - 1


def batch_loop(world, kind, form, size):
    config = world.dir / "batch.toml"
    config.write_text(f'[grants]\nwire = "batch"\nbatch_format = "{form}"\nbatch_size = {size}\n'
                      f"chunk = {3 * size - 7}\n")
    world.serve("-c", config)
    world.wallet("--seed", world.seed, *MISBEHAVIOUR)
    count = targets(20_000)
    promotion, path, summary = flows.prepare(world, kind, count, fields={"partition_count": 4})
    flows.start(world, promotion)

    def strike():
        world.server.kill()
        world.serve("-c", config)

    at_random_points(world, promotion, kills(), strike)
    body = flows.wait_completed(world, promotion, 120 + count // 500)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, kind, promotion, path)
    messages = check_plan(world, nats, kind, size)
    check(messages * 2 < count, f"{messages} messages carry {count} grants")
    first = next(p for _, s, p in nats.read_all(flows.STREAM[kind]) if ".publish." in s)
    check_equal(first[:1] == b"{", form == "json", f"the form of {first[:40]!r}")
    nats.close()
    flows.check_log(world)


@scenario
def batch_wire_json(world):
    """Vouchers on the batch wire as JSON, bestow killed on the way: every sequence as planned."""
    batch_loop(world, "voucher", "json", 64)


@scenario
def batch_wire_msgpack(world):
    """Points on the batch wire as msgpack, bestow killed on the way: every sequence as planned."""
    batch_loop(world, "point", "msgpack", 500)


@scenario
def small_max_payload(world):
    """Where the broker takes little, messages hold fewer grants and none is lost."""
    port = world.own_nats(max_payload=4_096)
    config = world.dir / "batch.toml"
    config.write_text('[grants]\nwire = "batch"\n')
    world.serve("-c", config, "--nats", f"nats://127.0.0.1:{port}")
    promotion, path, _ = flows.prepare(world, "voucher", 3_000, fields={"partition_count": 2})
    wallet = world.spawn("wallet", [world.tools.wallet, "--nats", f"nats://127.0.0.1:{port}",
                                    "--data", world.dir / "wallet"])
    flows.start(world, promotion)
    body = flows.wait_completed(world, promotion)
    check_equal(body["success_count"], body["total_count"], "success_count")
    nats = Nats(f"nats://127.0.0.1:{port}")
    flows.check_stream(nats, "voucher", promotion, path)
    sizes = [len(p) for _, s, p in nats.read_all(flows.STREAM["voucher"]) if ".publish." in s]
    check(max(sizes) <= 4_096, f"a message of {max(sizes)} bytes")
    check(len(sizes) * 3 < 3_000, f"{len(sizes)} messages carry 3,000 grants")
    nats.close()
    check(wallet.alive(), "the wallet still runs")
