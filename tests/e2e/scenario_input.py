"""What people really send: bad rows, malformed requests, configuration and results."""

import json
import os
import socket

import flows
from harness import check, check_equal, free_port, wait_until
from nats_client import Nats
from registry import scenario

HEADER = "point_target_id,customer_uid,amount,expiry_at,reason,partition_key\n"
# Line number (header = 1), row, field and code; None: the row is good.
ROWS = [
    ("1,1001,,,,", None, None),
    ("2,1001,,,,", "customer_uid", "customer_duplicate"),
    ("3,,,,,", "customer_uid", "field_missing"),
    ("4,18446744073709551616,,,,", "customer_uid", "number_out_of_range"),
    ("5,1005,0,,,", "amount", "number_not_positive"),
    ("6,1006,-5,,,", "amount", "amount_malformed"),
    ('7,1007,"10,000",,,', "amount", "amount_malformed"),
    ("8,1008,10000.50,,,", "amount", "amount_has_fraction"),
    ("9,1009,99999999999999999999,,,", "amount", "amount_overflows"),
    ("10,1010,,20200101000000,,", "expiry_at", "time_in_past"),
    ("11,1011,,2099-02-30 00:00:00,,", "expiry_at", "time_malformed"),
    ("12,1012,,," + "r" * 101 + ",", "reason", "text_too_long"),
    ("13,1013,,," + "🎁" * 101 + ",", "reason", "text_too_long"),
    ("14,1014,,," + "🎁" * 100 + ",", None, None),
    ("15,1015,,,,-1", "partition_key", "partition_out_of_range"),
    ("16,1016,,,,16", "partition_key", "partition_out_of_range"),
    ("17,1017,,,,15", None, None),
    ("1,1018,,,,", "point_target_id", "target_id_duplicate"),
    ("19,1019,10000.00,,,", None, None),
    ("20,1020,,,", "record", "row_malformed"),
    ('21,1021,,,"two\nlines",', "reason", "text_has_control_character"),
    ("22,1022,,,,", None, None),
]


def rows_with_lines():
    """(physical line, row, field, code)."""
    line = 2
    for row, field, code in ROWS:
        yield line, row, field, code
        line += 1 + row.count("\n")


def import_bytes(world, promotion, content, name, code=0, *arguments):
    path = world.dir / name
    path.write_bytes(content)
    rejects = world.dir / f"{name}.rejects"
    answer = world.bestow("promotion", "import", promotion, path, "--rejects", rejects, "-o", "json",
                          *arguments, code=code)
    return answer, rejects


def check_bad_rows(world, content, name):
    promotion = flows.create(world, "point")
    answer, rejects = import_bytes(world, promotion, content, name)
    expected = [(line, field, code) for line, _, field, code in rows_with_lines() if code]
    body = answer.json()
    check_equal(body["accepted"], len(ROWS) - len(expected), "accepted")
    check_equal(body["rejected"], len(expected), "rejected")
    check_equal([(r["line"], r["field"], r["code"]) for r in body["rejects"]], expected, "rejects[]")
    text = rejects.read_text()
    for line, field, code in expected:
        check(f"{line},{field},{code}," in text, f"line {line} in the rejects file:\n{text}")
    again, _ = import_bytes(world, promotion, content, name)
    check_equal(again.json()["rejects"], body["rejects"], "the same answer when sent again")
    world.bestow("promotion", "seal", promotion)
    check_equal(world.show(promotion)["total_count"], len(ROWS) - len(expected), "total_count")


@scenario
def bad_rows(world):
    """Each bad row gets its line, field and code; the good rows beside it are kept."""
    world.serve()
    text = HEADER + "".join(row + "\n" for row, _, _ in ROWS)
    check_bad_rows(world, text.encode(), "plain.csv")
    check_bad_rows(world, b"\xef\xbb\xbf" + text.encode(), "bom.csv")
    check_bad_rows(world, text.encode()[:-1], "cut.csv")
    # CRLF ends records; a line feed inside quotes stays what it is.
    crlf = HEADER[:-1] + "\r\n" + "".join(row + "\r\n" for row, _, _ in ROWS)
    check_bad_rows(world, crlf.encode(), "crlf.csv")


@scenario
def bad_rows_at_scale(world):
    """One row in a hundred is bad, in every way: counts by code equal the generator's."""
    world.serve()
    for kind, form in (("point", "csv"), ("voucher", "csv"), ("voucher", "ndjson")):
        promotion = flows.create(world, kind)
        path, summary = world.make_targets(kind, 50_000, seed=world.seed + len(kind + form), bad=100,
                                           format=form)
        rejects = world.dir / f"{kind}-{form}.rejects"
        body = world.bestow("promotion", "import", promotion, path, "--format", form, "--rejects",
                            rejects, "-o", "json").json()
        check_equal(body["accepted"], summary["accepted"], f"{kind} {form} accepted")
        check_equal(body["rejected"], summary["rejected"], f"{kind} {form} rejected")
        codes = {}
        for line in rejects.read_text().splitlines()[1:]:
            code = line.split(",")[2]
            codes[code] = codes.get(code, 0) + 1
        check_equal(codes, summary["codes"], f"{kind} {form} codes")
        world.bestow("promotion", "seal", promotion)
        check_equal(world.show(promotion)["total_amount"], summary["amount"], "total_amount")


@scenario
def refused_files(world):
    """A file that cannot be read as a list is refused by a name, and nothing of it is kept."""
    world.serve()
    promotion = flows.create(world, "point")
    cases = [
        (HEADER.encode() + "1,1,,,새해맞이 이벤트 포인트,\n".encode("cp949"), "input_encoding_cp949"),
        (b"", "input_header_missing"),
        (b"point_target_id,customer_uid,amount,colour\n1,1,,red\n", "input_header_unknown_field"),
        (b"customer_uid,amount,amount\n1,1,1\n", "input_header_duplicate_field"),
        (b"point_target_id,amount\n1,1\n", "input_header_lacks_required_field"),
    ]
    for number, (content, name) in enumerate(cases):
        answer, _ = import_bytes(world, promotion, content, f"refused-{number}.csv", 3)
        check(name in answer.err, f"{name} on stderr: {answer.err}")
    check_equal(world.show(promotion)["total_count"], 0, "rows kept")
    check_equal(world.bestow("promotion", "import", promotion, world.dir / "none.csv",
                             code=None).code in (1, 2, 4), True, "a missing file")


def raw(world, data, within=10):
    """Sends bytes as they are; what comes back until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", world.port), timeout=within) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := s.recv(65_536):
                received += chunk
            return received
        except (ConnectionResetError, BrokenPipeError):
            return b""


@scenario
def malformed_http(world):
    """Malformed requests get a problem document; the service and its log are unharmed."""
    world.serve()
    promotion = flows.create(world, "point")
    head = world.bestow("log", "stat", "-o", "json").json()
    create = "/api/v1/promotions"
    deep = b"[" * 100_000
    cases = [
        ("POST", create, b"{", 400), ("POST", create, b"[]", 400), ("POST", create, b"", 400),
        ("POST", create, deep, 400), ("POST", create, b"\xff\xfe{}", 400),
        ("POST", create, b'{"promotion_type":"COUPON"}', 400),
        ("POST", create, b'{"promotion_type":7}', 400),
        ("POST", create, b'{"promotion_type":"POINT","colour":"red"}', 400),
        ("POST", create, b'{"promotion_type":"POINT","promotion_type":"POINT"}', 400),
        ("POST", create, b'{"promotion_type":"POINT","partition_count":1e3}', 400),
        ("POST", create, b'{"a":"' + b"x" * (2 << 20) + b'"}', 413),
        ("GET", "/api/v1/promotions/abc", None, 400), ("GET", "/api/v1/promotions/-1", None, 400),
        ("GET", "/api/v1/promotions/99999999999999999999", None, 400),
        ("GET", "/api/v1/promotions/123456", None, 404), ("GET", "/api/v1/nothing", None, 404),
        ("PATCH", f"/api/v1/promotions/{promotion}", b"{}", 405),
        ("POST", f"/api/v1/promotions/{promotion}/explode", b"{}", 404),
        ("GET", f"/api/v1/promotions/{promotion}/targets?limit=-1", None, 400),
        ("GET", f"/api/v1/promotions/{promotion}/targets?limit=100000", None, 400),
        ("GET", f"/api/v1/promotions/{promotion}/targets?status=odd", None, 400),
    ]
    for method, path, body, expected in cases:
        status, answer = world.http(method, path, body)
        label = f"{method} {path} {(body or b'')[:60]!r}"
        check_equal(status, expected, f"{label}: {answer}")
        check(isinstance(answer, dict) and answer.get("code") and answer.get("detail"),
              f"{label}: a problem document with code and detail, not {answer!r}")
    for data in (b"", b"\0\0\0\0", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"POST /api/v1/promotions HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"POST /api/v1/promotions HTTP/1.1\r\nContent-Length: 10\r\n\r\n{",
                 b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
                 world.rng.randbytes(4_096)):
        answer = raw(world, data)
        check(b" 200 " not in answer[:20], f"{data[:40]!r} answered {answer[:80]!r}")
    check(world.server.alive(), "bestow still runs")
    after = world.bestow("log", "stat", "-o", "json").json()
    check_equal(after["head_position"], head["head_position"], "the log's head")
    check_equal(world.show(promotion)["state"], "draft", "the promotion")


@scenario
def malformed_toml(world):
    """A wrong configuration or promotion file is refused with key, value and what is allowed."""
    cases = [
        ("[http\n", []),
        ("[htp]\nlisten = '127.0.0.1:1'\n", ["htp", "http"]),
        ("[http]\nlistn = '127.0.0.1:1'\n", ["listn", "listen"]),
        ("[http]\nlisten = 5\n", ["listen", "integer", "HOST:PORT"]),
        ("[grants]\nchunk = 0\n", ["chunk", "'0'", "1..10000"]),
        ("[nats]\nmode = 'remote'\n", ["mode", "remote", "embedded"]),
    ]
    for number, (text, words) in enumerate(cases):
        path = world.dir / f"bad-{number}.toml"
        path.write_text(text)
        answer = world.run(world.tools.bestow, "serve", "-c", path, "--data", world.dir / "unused")
        check(answer.code in (1, 2), f"{text!r}: exit {answer.code}")
        for word in [*words, path.name]:
            check(word in answer.err, f"{text!r}: {word!r} on stderr: {answer.err}")
    check(not (world.dir / "unused").exists(), "nothing was created")
    world.serve()
    before = world.bestow("log", "stat", "-o", "json").json()["head_position"]
    for text in ("promotion_type = \n", "promotion_type = 'COUPON'\n", "colour = 'red'\n"):
        path = world.dir / "promotion.toml"
        path.write_text(text)
        answer = world.bestow("promotion", "create", "-f", path, code=None)
        check(answer.code in (2, 3), f"{text!r}: exit {answer.code} {answer.err}")
        check(answer.err.strip(), "a reason on stderr")
    after = world.bestow("log", "stat", "-o", "json").json()["head_position"]
    check_equal(after, before, "the log's head")


def result(promotion, target, customer, partition, **more):
    return json.dumps({"sentAt": "2026-01-21T10:30:00", "version": 20231010,
                       "topic": "prepay.campaign.point.result",
                       "payload": {"eventId": str(promotion), "pointEventTargetId": str(target),
                                   "customerUid": customer, "processStatus": "SUCCESS",
                                   "transactionKey": f"tx-{target}", "errorMessage": "",
                                   "attempt": 1, "partitionKey": partition, **more}})


@scenario
def malformed_results(world):
    """Unreadable and contradicting results go to the dead letters; nothing else is lost."""
    world.serve()
    promotion, path, _ = flows.prepare(world, "point", 50)
    flows.start(world, promotion)
    nats = Nats(world.nats_url())
    wait_until(lambda: world.show(promotion)["published_count"] == 50, 30, "50 published")
    grants = [json.loads(p)["payload"] for _, s, p in nats.read_all("GRANTS_POINT")
              if not s.endswith(".log")]
    first = grants[0]
    subject = f"prepay.campaign.point.result.{first['partitionKey']}"
    good = (promotion, first["pointEventTargetId"], first["customerUid"], first["partitionKey"])
    dead = [
        "", "{", "[]", "\x00\x01\x02", "{}", '{"payload":{}}',
        result(*good, processStatus="OK"),
        result(promotion, 999_999, first["customerUid"], first["partitionKey"]),
        result(999_999, *good[1:]),
        result(promotion, first["pointEventTargetId"], "1", first["partitionKey"]),
        result(*good[:3], str((int(first["partitionKey"]) + 1) % 16)),
        result(*good, attempt=-3),
    ]
    for payload in dead:
        nats.publish_stored(subject, payload)
    for grant in grants:
        nats.publish_stored(f"prepay.campaign.point.result.{grant['partitionKey']}",
                            result(promotion, grant["pointEventTargetId"], grant["customerUid"],
                                   grant["partitionKey"]))
    body = flows.wait_completed(world, promotion, 30)
    check_equal(body["success_count"], 50, "success_count")
    stored = nats.stream_state("GRANT_RESULTS_DEAD")["messages"]
    check_equal(stored, len(dead), "dead letters")
    nats.close()


@scenario
def late_and_double_results(world):
    """A second SUCCESS under another transaction key is an alarm, never an overwrite."""
    world.serve()
    promotion, _, _ = flows.prepare(world, "point", 3)
    flows.start(world, promotion)
    nats = Nats(world.nats_url())
    wait_until(lambda: world.show(promotion)["published_count"] == 3, 30, "3 published")
    grants = [json.loads(p)["payload"] for _, s, p in nats.read_all("GRANTS_POINT")
              if not s.endswith(".log")]

    def answer(grant, **more):
        nats.publish_stored(f"prepay.campaign.point.result.{grant['partitionKey']}",
                            result(promotion, grant["pointEventTargetId"], grant["customerUid"],
                                   grant["partitionKey"], **more))

    answer(grants[0])
    answer(grants[0])
    answer(grants[0], transactionKey="another")
    answer(grants[1], processStatus="FAILED", transactionKey="", errorMessage="가" * 600)
    answer(grants[1])
    answer(grants[2], processStatus="RETRYING", transactionKey="")
    answer(grants[2], processStatus="FAILED", transactionKey="", errorMessage="closed account")
    answer(grants[2], processStatus="RETRYING", transactionKey="")
    body = flows.wait_completed(world, promotion, 30)
    check_equal((body["success_count"], body["retry_success_count"], body["fail_count"]), (2, 1, 1),
                "success, retry_success, fail")
    wait_until(lambda: world.show(promotion).get("double_grants") == 1, 20, "the alarm is counted")
    target = world.http("GET", f"/api/v1/promotions/{promotion}/targets/"
                               f"{grants[0]['pointEventTargetId']}")[1]
    check_equal(target["transaction_key"], f"tx-{grants[0]['pointEventTargetId']}",
                "the first transaction key stays")
    nats.close()


def anonymous_kib(pid):
    for line in open(f"/proc/{pid}/smaps_rollup", encoding="ascii"):
        if line.startswith("Anonymous:"):
            return int(line.split()[1])
    return 0


@scenario
def import_memory(world):
    """Importing does not grow anonymous memory with the file (long form: 10,000,000 rows)."""
    rows = int(os.environ.get("BESTOW_E2E_IMPORT_ROWS", "300000"))
    world.serve()
    promotion = flows.create(world, "point")
    path, summary = world.make_targets("point", rows)
    sender = world.spawn("sender", [world.tools.bestow, "promotion", "import", promotion, path])
    highest = [0, 0]

    def ended():
        highest[0] = max(highest[0], anonymous_kib(world.server.child.pid))
        if sender.alive():
            highest[1] = max(highest[1], anonymous_kib(sender.child.pid))
        return not sender.alive()

    wait_until(ended, 60 + rows // 20_000, "the import ends")
    check_equal(sender.child.returncode, 0, f"import: {sender.output()[-500:]}")
    print(f"{rows} rows: anonymous memory at most {highest[0] // 1024} MiB (bestow serve), "
          f"{highest[1] // 1024} MiB (import command)")
    check(highest[0] < 300 * 1024, f"bestow serve took {highest[0]} KiB")
    check(highest[1] < 300 * 1024, f"the import command took {highest[1]} KiB")
    world.bestow("promotion", "seal", promotion, within=300)
    check_equal(world.show(promotion)["total_count"], summary["accepted"], "total_count")


@scenario
def refuses_open_bind_without_tokens(world):
    """Any bind but loopback refuses to start without tokens."""
    answer = world.run(world.tools.bestow, "serve", "--data", world.data, "--listen",
                       f"0.0.0.0:{free_port()}")
    check(answer.code in (1, 2), f"exit {answer.code}")
    check("token" in answer.err, f"says why: {answer.err}")
