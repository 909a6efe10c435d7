"""Imports as people do them: stray quotes, CP949, strict, dry runs, odd batch ids, an old job's rest."""

import csv
import io

import flows
from harness import check, check_equal
from registry import scenario
from scenario_input import import_bytes


def head(world):
    return world.bestow("log", "stat", "-o", "json").json()["head_position"]


VOUCHER_HEADER = ("voucher_target_id,customer_uid,voucher_number,merchant_code,merchant_brand_code,amount,"
                  "is_withdrawal,valid_until,reason,partition_key,publish_status\n")
VOUCHER_ROWS = [
    ("1,1,V-1,M,B,10000,true,20991231235959,,,", None, None),
    ("2,2,V-1,M,B,,true,,,,", "voucher_number", "voucher_number_duplicate"),
    ("3,1,V-3,M,B,,true,,,,", "customer_uid", "customer_duplicate"),
    ("1,4,V-4,M,B,,true,,,,", "voucher_target_id", "target_id_duplicate"),
    ("5,5,,M,B,,true,,,,", "voucher_number", "field_missing"),
    ("6,6," + "v" * 41 + ",M,B,,true,,,,", "voucher_number", "text_too_long"),
    ("7,7,V-7,,B,,true,,,,", "merchant_code", "field_missing"),
    ("8,8,V-8,M,,,true,,,,", "merchant_brand_code", "field_missing"),
    ("9,9,V-9,M,B,,,,,,", "is_withdrawal", "field_missing"),
    ("10,10,V-10,M,B,,TRUE,,,,", "is_withdrawal", "boolean_malformed"),
    ("11,11,V-11,M,B,,0,20200101000000,,,", "valid_until", "time_in_past"),
    ("12,12,V-12,M,B,,0,,,,PUBLISHED", "publish_status", "publish_status_not_pending"),
    ("13,18446744073709551616,V-13,M,B,,0,,,,", "customer_uid", "number_out_of_range"),
    ('14,14,V-14,M,B,"10,000",0,,,,', "amount", "amount_malformed"),
    ("15,15,V-2,M,B,,1,,,15,PENDING", None, None),
    ("16,16,V-16,M,B,,tr", "record", "row_malformed"),
]


@scenario
def bad_voucher_rows(world):
    """Each bad voucher row gets its line, field and code, the cut last line of a file included."""
    world.serve()
    for ends in ("\n", "\r\n"):
        promotion = flows.create(world, "voucher")
        text = VOUCHER_HEADER.strip() + ends + ends.join(
            row.replace("V-", f"V{len(ends)}-") for row, _, _ in VOUCHER_ROWS)
        answer, rejects = import_bytes(world, promotion, text.encode(), f"vouchers-{len(ends)}.csv")
        body = answer.json()
        expected = [(line, field, code) for line, (_, field, code) in enumerate(VOUCHER_ROWS, 2) if code]
        check_equal([(r["line"], r["field"], r["code"]) for r in body["rejects"]], expected, "rejects[]")
        check_equal(body["accepted"], len(VOUCHER_ROWS) - len(expected), "accepted")
        check_equal(len(rejects.read_text().splitlines()), len(expected) + 1, "lines of the rejects file")
        # The numbers are taken in every promotion.
        other = flows.create(world, "voucher")
        again, _ = import_bytes(world, other, text.encode(), f"again-{len(ends)}.csv")
        check_equal(again.json()["accepted"], 0, "accepted in another promotion")


@scenario
def stray_quote(world):
    """A quote that nothing closes costs its own row; the rows behind it are kept."""
    world.serve()
    promotion = flows.create(world, "point")
    stray = (5, 900, 1_950)
    rows = [f"{i},10," + ('"stray' if i in stray else "x") for i in range(1, 2_001)]
    text = "customer_uid,amount,reason\n" + "\n".join(rows) + "\n"
    answer, rejects = import_bytes(world, promotion, text.encode(), "stray.csv")
    body = answer.json()
    check_equal((body["accepted"], body["rejected"]), (1_997, 3), "accepted and rejected")
    check_equal([(r["line"], r["code"]) for r in body["rejects"]],
                [(line, "row_malformed") for line in (6, 901, 1_951)], "lines and codes")
    check_equal(len(rejects.read_text().splitlines()), 4, "lines of the rejects file")
    again, _ = import_bytes(world, promotion, text.encode(), "stray.csv")
    check_equal((again.json()["repeated"], again.json()["rejects"]), (True, body["rejects"]),
                "the same answer when sent again")


@scenario
def refused_import_says_what_next(world):
    """A refused import names both ways out, and the file alone gives its batch up."""
    world.serve()
    promotion = flows.create(world, "point")
    import_bytes(world, promotion, b"point_target_id,customer_uid\n1,1\n", "ids.csv")
    path = world.dir / "none.csv"
    path.write_bytes(b"customer_uid\n2\n")
    refused = world.bestow("promotion", "import", promotion, path, code=3)
    check("ids_given_in_part" in refused.err, refused.err)
    way_out = [line.strip() for line in refused.err.splitlines() if "--abandon" in line]
    check_equal(len(way_out), 1, f"one command gives it up: {refused.err}")
    sealing = world.bestow("promotion", "seal", promotion, code=3)
    check("import_open" in sealing.err and f"promotion import {promotion} --batch" in sealing.err
          and "--abandon" in sealing.err, f"seal says how to go on: {sealing.err}")
    world.bestow("promotion", "import", promotion, path, "--abandon", code=2)
    world.bestow("promotion", "import", promotion, path, "--abandon", "--yes")
    world.bestow("promotion", "seal", promotion)
    check_equal(world.show(promotion)["total_count"], 1, "total_count")
    # The printed command itself works, batch ids with spaces and quotes included.
    other = flows.create(world, "point")
    import_bytes(world, other, b"point_target_id,customer_uid\n1,1\n", "ids.csv")
    refused = world.bestow("promotion", "import", other, path, "--batch", "it's two/words", code=3)
    words = next(line for line in refused.err.splitlines() if "--abandon" in line).strip()
    done = world.run("sh", "-c", words.replace("bestow", str(world.tools.bestow), 1) + " --yes")
    check_equal(done.code, 0, f"{words}: {done.err}")
    world.bestow("promotion", "seal", other)


@scenario
def batch_ids_of_any_characters(world):
    """Whatever characters a batch id has, its rejects reach the caller; if not, the exit code says so."""
    world.serve()
    content = b"customer_uid\n1\nx\n"
    for number, batch in enumerate(("a/b", "a%2Fb", "two words", "배치 1/2", "x?y#z&k=v", "..", "%", "+",
                                    "é" * 128)):
        promotion = flows.create(world, "point")
        answer, rejects = import_bytes(world, promotion, content, f"odd-{number}.csv", 0, "--batch", batch)
        check_equal(answer.json()["batch"], batch, "batch")
        check("3,customer_uid,not_a_number" in rejects.read_text(), f"{batch!r}: rejects file")
        piped = world.run(world.tools.bestow, "promotion", "import", promotion, "-", "--batch", batch,
                          "--rejects", rejects, stdin=content)
        check_equal(piped.code, 0, f"{batch!r} from stdin: {piped.err}")
    path = world.dir / "unsaved.csv"
    path.write_bytes(content)
    promotion = flows.create(world, "point")
    answer = world.bestow("promotion", "import", promotion, path, "--rejects", world.dir / "no" / "where",
                          "-o", "json", code=1)
    check_equal(answer.json()["accepted"], 1, "the answer is printed all the same")
    check("could not be saved" in answer.err, answer.err)
    world.bestow("promotion", "import", promotion, path, "--rejects", world.dir / "where")
    check("not_a_number" in (world.dir / "where").read_text(), "a repeat fetches them")


@scenario
def strict_import(world):
    """Under strict one bad row keeps nothing of the batch; a good file is imported."""
    world.serve()
    promotion = flows.create(world, "point")
    answer, rejects = import_bytes(world, promotion, b"customer_uid\n1\nx\n1\n", "bad.csv", 3, "--strict")
    check("strict_import_has_bad_rows" in answer.err, answer.err)
    check_equal([line.split(",")[2] for line in rejects.read_text().splitlines()[1:]],
                ["not_a_number", "customer_duplicate"], "every bad row is told")
    status, body = world.http("POST", f"/api/v1/promotions/{promotion}/targets?batch=h&strict=1",
                              b"customer_uid\n1\nx\n", {"Content-Type": "text/csv"})
    check_equal((status, body["code"]), (422, "strict_import_has_bad_rows"), "over HTTP")
    check_equal((body["import"]["rejected"], body["import"]["rejects"][0]["line"]), (1, 3), "what it found")
    import_bytes(world, promotion, b"customer_uid\n1\n2\n", "good.csv", 0, "--strict")
    world.bestow("promotion", "seal", promotion)
    check_equal(world.show(promotion)["total_count"], 2, "total_count")


@scenario
def strict_vouchers_are_free_again(world):
    """What a failed strict import had claimed can be imported under another batch."""
    world.serve()
    promotion = flows.create(world, "voucher")
    header = b"customer_uid,voucher_number,merchant_code,merchant_brand_code,is_withdrawal\n"
    good = b"1,V-1,M,B,true\n2,V-2,M,B,false\n"
    import_bytes(world, promotion, header + good + b"3,,M,B,true\n", "bad.csv", 3, "--strict")
    answer, _ = import_bytes(world, promotion, header + good, "mended.csv", 0, "--strict")
    check_equal(answer.json()["accepted"], 2, "accepted")


@scenario
def dry_run_foretells(world):
    """A dry run tells counts, sum, spread and bad rows of the import, and leaves no fact."""
    world.serve()
    for kind in ("point", "voucher"):
        promotion = flows.create(world, kind)
        path, summary = world.make_targets(kind, 20_000, seed=world.seed + 3, bad=100)
        before = head(world)
        rejects = world.dir / f"{kind}.dry"
        foretold = world.bestow("promotion", "import", promotion, path, "--dry-run", "--rejects", rejects,
                                "-o", "json")
        check("nothing was kept" in foretold.err, foretold.err)
        check_equal(head(world), before, "the log's head")
        body = foretold.json()
        check_equal(body["accepted"], summary["accepted"], "accepted")
        check_equal(body["rejected"], summary["rejected"], "rejected")
        check_equal(body["total_amount"], summary["amount"], "total_amount")
        check_equal(sum(p["count"] for p in body["partitions"]), summary["accepted"], "sum of partitions")
        done = world.bestow("promotion", "import", promotion, path, "-o", "json").json()
        for name in ("rows", "accepted", "rejected", "sha256"):
            check_equal(done[name], body[name], name)
        check_equal([(r["line"], r["field"], r["code"]) for r in done["rejects"]],
                    [(r["line"], r["field"], r["code"]) for r in body["rejects"]], "rejects")
        # Against what is there now, every good row is a duplicate.
        again = world.bestow("promotion", "import", promotion, path, "--dry-run", "-o", "json").json()
        check_equal(again["accepted"], 0, "accepted after the import")
        world.bestow("promotion", "seal", promotion)
        sealed = world.bestow("promotion", "import", promotion, path, "--dry-run", code=3)
        check("list_already_sealed" in sealed.err, sealed.err)
        check_equal(list((world.data / "unique").glob("dry-run*")), [], "tables left behind")


@scenario
def split_customers(world):
    """Customers whose targets stand in several partitions are warned of, before and at seal."""
    world.serve()
    promotion = flows.create(world, "point", allow_multiple_per_customer=True)
    path = world.dir / "split.csv"
    path.write_text("customer_uid,partition_key\n1,0\n1,1\n2,0\n2,0\n3,1\n3,2\n")
    foretold = world.bestow("promotion", "import", promotion, path, "--dry-run", "-o", "json")
    check_equal(foretold.json()["split_customers"], 2, "split_customers of the dry run")
    check("2 customers have targets in more than one partition" in foretold.err, foretold.err)
    world.bestow("promotion", "import", promotion, path)
    sealed = world.bestow("promotion", "seal", promotion)
    check("2 customers have targets in more than one partition" in sealed.err, sealed.err)
    check_equal(world.show(promotion)["split_customers"], 2, "split_customers")


@scenario
def cp949_files(world):
    """A CP949 file is refused by that name, and imported when it is said to be one."""
    world.serve()
    promotion = flows.create(world, "point")
    text = "customer_uid,reason\n1,새해맞이 이벤트\n2,똠방각하 \"펲\"\n3,\"쉼표, 줄\"\n"
    content = text.encode("cp949")
    refused, _ = import_bytes(world, promotion, content, "cp949.csv", 3)
    check("input_encoding_cp949" in refused.err and "--encoding cp949" in refused.err, refused.err)
    answer, rejects = import_bytes(world, promotion, content, "cp949.csv", 0, "--encoding", "cp949")
    body = answer.json()
    check_equal((body["accepted"], body["rejected"]), (2, 1), "accepted and rejected")
    check("똠방각하" in rejects.read_text(), "the rejects file is UTF-8")
    world.bestow("promotion", "seal", promotion)
    _, page = world.http("GET", f"/api/v1/promotions/{promotion}/targets")
    check_equal([t["reason"] for t in page["targets"]], ["새해맞이 이벤트", "쉼표, 줄"], "reasons")
    utf8, _ = import_bytes(world, flows.create(world, "point"), text.encode(), "utf8.csv", 3,
                           "--encoding", "cp949")
    check("input_encoding_not_cp949" in utf8.err, utf8.err)
    # Late in a file that began as ASCII: the row's trouble, by its name.
    late = b"customer_uid,reason\n" + b"".join(b"%d,x\n" % i for i in range(1, 20_000))
    answer, _ = import_bytes(world, flows.create(world, "point"),
                             late + "20000,한글 사유\n".encode("cp949"), "late.csv")
    detail = answer.json()["rejects"][0]["detail"]
    check("CP949" in detail, detail)


@scenario
def rejects_are_paged(world):
    """rejects[] holds 1,000; all of them are in the file, and page by page over HTTP."""
    world.serve()
    promotion = flows.create(world, "point")
    content = b"customer_uid\n" + b"x\n" * 2_500 + b"1\n"
    answer, rejects = import_bytes(world, promotion, content, "many.csv", 0, "--batch", "m/1")
    body = answer.json()
    check_equal((body["rejected"], len(body["rejects"])), (2_500, 1_000), "rejected and rejects[]")
    check_equal(len(rejects.read_text().splitlines()), 2_501, "lines of the rejects file")
    lines, after = [], 0
    while after is not None:
        status, page = world.http("GET", f"/api/v1/promotions/{promotion}/batches/m%2F1/rejects"
                                         f"?after={after}&limit=700")
        check_equal(status, 200, f"page: {page}")
        lines += [r["line"] for r in page["rejects"]]
        after = page["next"]
    check_equal(lines, list(range(2, 2_502)), "lines over all pages")


@scenario
def inputs_without_rows(world):
    """An input without rows is said to have none; a header without end has a name of its own."""
    world.serve()
    promotion = flows.create(world, "point")
    for name, content in (("zero.csv", b"customer_uid\n"), ("zero.ndjson", b""), ("blank.ndjson", b"\n \n")):
        answer, _ = import_bytes(world, promotion, content, name)
        check_equal(answer.json()["rows"], 0, "rows")
        check("no rows" in answer.err, f"{name}: {answer.err}")
    long, _ = import_bytes(world, promotion, b"customer_uid," + b"x" * 100_000 + b"\n1\n", "long.csv", 3)
    check("input_header_too_long" in long.err, long.err)
    as_json, _ = import_bytes(world, promotion, b"customer_uid\n1\n", "list.csv", 0, "--format", "ndjson")
    details = [r["detail"] for r in as_json.json()["rejects"]]
    check(details[0].startswith("the line begins with 'customer_uid'"), f"{details}")


@scenario
def old_job_taken_over(world):
    """The rest of a half-run old job: what it published is refused, the others are granted once."""
    world.serve()
    world.wallet()
    promotion = flows.create(world, "point")
    old = io.StringIO()
    rows = csv.writer(old, lineterminator="\n")
    rows.writerow(["point_target_id", "promotion_id", "customer_uid", "amount", "expiry_at", "reason",
                   "partition_key", "publish_status"])
    for i in range(1, 301):
        status = "PUBLISHED" if i <= 120 else "FAILED" if i % 50 == 0 else "PENDING"
        rows.writerow([i, promotion, 5_000 + i, "1000.00", "2099-12-31 23:59:59", "옛 작업", i % 16, status])
    answer, rejects = import_bytes(world, promotion, old.getvalue().encode(), "old.csv")
    body = answer.json()
    check_equal((body["accepted"], body["rejected"]), (176, 124), "accepted and rejected")
    check_equal({r["code"] for r in body["rejects"]}, {"publish_status_not_pending"}, "codes")
    world.bestow("promotion", "seal", promotion)
    world.bestow("promotion", "approve", promotion)
    flows.start(world, promotion)
    done = flows.wait_completed(world, promotion)
    check_equal((done["success_count"], done["success_amount"]), (176, "176000"), "granted")
    status, _ = world.http("GET", f"/api/v1/promotions/{promotion}/targets/1")
    check_equal(status, 404, "a target that the old job published")
    _, target = world.http("GET", f"/api/v1/promotions/{promotion}/targets/121")
    check_equal((target["customer_uid"], target["amount"], target["partition_key"]), ("5121", "1000", 9),
                "a target taken over")
    check(rejects.read_text().splitlines()[1].startswith("2,publish_status,"), "the rejects file")
