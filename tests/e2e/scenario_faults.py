"""kill -9 and other accidents. The end state must be that of an undisturbed run."""

import os
import shutil
import signal
import struct

import flows
from harness import World, check, check_equal, random_moment, wait_until
from nats_client import Nats
from registry import scenario
from scenario_loop import MISBEHAVIOUR, targets

PROMOTION_ID = 4_711


def kills():
    return int(os.environ.get("BESTOW_E2E_KILLS", "3"))


def prepare(world):
    return flows.prepare(world, "point", targets(30_000), fields={"promotion_id": PROMOTION_ID})


def undisturbed(world):
    """Final states of the same list under the same wallet seed, with nothing killed."""
    calm = World(world.tools, world.seed)
    try:
        calm.serve()
        calm.wallet("--seed", calm.seed, *MISBEHAVIOUR)
        promotion, _, _ = prepare(calm)
        flows.start(calm, promotion)
        flows.wait_completed(calm, promotion, 60 + targets(30_000) // 500)
        return flows.final_states(calm, promotion)
    finally:
        calm.close(keep=False)


def judge(world, promotion, path, summary):
    body = flows.wait_completed(world, promotion, 120 + targets(30_000) // 500)
    flows.check_counts(body, summary)
    flows.check_three_ways(world, promotion, body)
    nats = Nats(world.nats_url())
    flows.check_stream(nats, "point", promotion, path)
    nats.close()
    flows.check_log(world)
    check_equal(flows.final_states(world, promotion), undisturbed(world),
                "states against the undisturbed run")


def at_random_points(world, promotion, count, strike):
    """Calls strike() `count` times, each at a random point of the run and a random moment more."""
    done = 0
    for point in sorted(world.rng.uniform(0.0, 0.95) for _ in range(count)):
        def reached(p=point):
            status, body = world.http("GET", f"/api/v1/promotions/{promotion}", quiet=True)
            return status == 200 and (flows.progress(body) >= p or body["state"] == "completed")
        wait_until(reached, 120, f"progress {point:.2f}")
        random_moment(world.rng, 0.05)
        strike()
        done += 1
    print(f"killed {done} times")


@scenario
def kill_bestow(world):
    """bestow is killed at random points of a run and started again."""
    world.serve()
    world.wallet("--seed", world.seed, *MISBEHAVIOUR)
    promotion, path, summary = prepare(world)
    flows.start(world, promotion)

    def strike():
        world.server.kill()
        world.serve()

    at_random_points(world, promotion, kills(), strike)
    judge(world, promotion, path, summary)


@scenario
def kill_broker(world):
    """nats-server is killed at random points of a run; bestow starts it again."""
    world.serve()
    world.wallet("--seed", world.seed, *MISBEHAVIOUR)
    promotion, path, summary = prepare(world)
    flows.start(world, promotion)

    def strike():
        old = world.nats_pid()
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: world.nats_pid() != old, 30, "a new nats-server")

    at_random_points(world, promotion, kills(), strike)
    judge(world, promotion, path, summary)


@scenario
def kill_wallet(world):
    """The wallet is killed at random points of a run and started again."""
    world.serve()
    arguments = ["--seed", world.seed, *MISBEHAVIOUR]
    wallet = [world.wallet(*arguments)]
    promotion, path, summary = prepare(world)
    flows.start(world, promotion)

    def strike():
        wallet[0].kill()
        wallet[0] = world.wallet(*arguments)

    at_random_points(world, promotion, kills(), strike)
    judge(world, promotion, path, summary)


@scenario
def kill_during_import(world):
    """bestow is killed while a list is imported; sending the file again goes on where it stopped."""
    world.serve()
    world.wallet("--seed", world.seed)
    promotion = flows.create(world, "point")
    path, summary = world.make_targets("point", targets(200_000))
    for _ in range(kills()):
        sender = world.spawn("sender", [world.tools.bestow, "promotion", "import", promotion, path])
        random_moment(world.rng, 0.4)
        world.server.kill()
        wait_until(lambda s=sender: not s.alive(), 60, "the import command ends")
        world.serve()
    answer = world.bestow("promotion", "import", promotion, path, "-o", "json", within=300).json()
    check_equal(answer["accepted"], summary["accepted"], "accepted rows")
    check_equal(answer["rejected"], 0, "rejected rows")
    world.bestow("promotion", "seal", promotion, within=300)
    body = world.show(promotion)
    check_equal(body["total_count"], summary["accepted"], "total_count")
    check_equal(body["total_amount"], summary["amount"], "total_amount")
    flows.check_log(world)


@scenario
def acknowledged_is_kept(world):
    """G4: whatever command was answered stands after kill -9."""
    world.serve()
    kept = []
    for number in range(kills() * 3):
        kept.append(flows.create(world, "point", external_id=f"order-{number}"))
        world.server.kill()
        world.serve()
        for promotion in kept:
            check_equal(world.show(promotion)["state"], "draft", f"promotion {promotion}")
    check_equal(len(set(kept)), kills() * 3, "ids")


@scenario
def second_bestow_is_refused(world):
    """A second bestow on the same data directory is refused and harms nothing."""
    world.serve()
    promotion = flows.create(world, "point")
    answer = world.run(world.tools.bestow, "serve", "--data", world.data, "--listen", "127.0.0.1:0")
    check(answer.code not in (0, 2), f"exit code {answer.code}")
    check("log_locked" in answer.err, f"names the fault: {answer.err}")
    check_equal(world.show(promotion)["state"], "draft", "the first one still answers")
    check(world.server.alive(), "the first one still runs")


def frames_in(content):
    """(offset, bytes) of the frames that fill pages of their own, as docs/internals/log_format.md
    says. Smaller ones share pages that LMDB copies: an old copy is not part of the log."""
    found = []
    at = content.find(b"BSTF")
    while at >= 0:
        size = 152 + struct.unpack_from("<I", content, at + 52)[0]
        if 2_100 < size <= 512 * 1024 and at + size <= len(content):
            found.append((at, size))
        at = content.find(b"BSTF", at + 1)
    return found


@scenario
def flipped_bit_is_found(world):
    """G9: one flipped bit in a copy of the log is found by verify, with its position."""
    world.serve()
    flows.prepare(world, "voucher", 20_000)
    check_equal(world.server.stop(), 0, "a clean end")
    flows.check_log(world, stopped=True)
    original = sorted((world.data / "log").glob("*.mdb"))[0]
    content = original.read_bytes()
    frames = frames_in(content)
    check(len(frames) >= 3, f"{len(frames)} large frames")
    for number in range(int(os.environ.get("BESTOW_E2E_FLIPS", "20"))):
        copy = world.dir / f"flipped-{number}"
        shutil.copytree(world.data, copy)
        at, size = world.rng.choice(frames)
        place, bit = at + world.rng.randrange(size), world.rng.randrange(8)
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        (copy / "log" / original.name).write_bytes(damaged)
        answer = world.bestow("log", "verify", "--data", copy, "-o", "json", code=None)
        label = f"bit {bit} of byte {place} (frame at {at}, {size} bytes)"
        check_equal(answer.code, 1, f"{label}: exit code; {answer.out} {answer.err}")
        report = answer.json()
        check_equal(report["clean"], False, label)
        check(report["bad_position"] > 0 and report["problem"], f"{label}: {report}")
        shutil.rmtree(copy)
