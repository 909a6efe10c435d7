"""One voucher number, one promotion: imports that race, and what a kill leaves of it."""

import os
import threading

import flows
from harness import check, check_equal
from registry import scenario


def import_file(world, promotion, path, code=0):
    return world.bestow("promotion", "import", promotion, path, "-o", "json", within=300,
                        code=code).json()


@scenario
def voucher_race(world):
    """Two imports claim the same numbers at once: each number is granted once, also after a kill."""
    count = int(os.environ.get("BESTOW_E2E_TARGETS", "60000"))
    world.serve()
    path, _ = world.make_targets("voucher", count, seed=world.seed)
    promotions = [flows.create(world, "voucher") for _ in range(3)]
    answers = {}

    def race(promotion):
        answers[promotion] = import_file(world, promotion, path)

    racers = [threading.Thread(target=race, args=(p,)) for p in promotions[:2]]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    check_equal(len(answers), 2, "imports that were answered")
    accepted = sum(a["accepted"] for a in answers.values())
    check_equal(accepted, count, "numbers granted by the two")
    check_equal(sum(a["rejected"] for a in answers.values()), count, "numbers refused")
    for answer in answers.values():
        codes = {r["code"] for r in answer["rejects"]}
        check(codes <= {"voucher_number_duplicate"}, f"refused for another reason: {codes}")
    world.server.kill()
    world.serve()
    body = import_file(world, promotions[2], path)
    check_equal(body["accepted"], 0, "numbers granted a second time after a kill")
    for promotion in promotions:
        world.bestow("promotion", "seal", promotion)
    check_equal(sum(world.show(p)["total_count"] for p in promotions), count, "targets of all lists")
    files = sorted(p.name for p in (world.data / "unique").glob("*.vouchers"))
    check_equal(files, sorted(f"promotion-{p}.vouchers" for p in promotions), "files of numbers")
