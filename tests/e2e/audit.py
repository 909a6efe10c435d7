"""Checks an export or a proof of the log with SHA-256 alone, from docs/internals/log_format.md and
docs/guides/audit.md: nothing of Bestow's code is used. Run it as `python3 audit.py FILE`.

Raises Unsound with the line where something does not hold.
"""

import base64
import hashlib
import json
import struct
import sys

HEADER_BYTES = 152
AGGREGATES = {1: "promotion", 2: "partition", 3: "delivery"}


class Unsound(Exception):
    pass


def require(condition, line, text):
    if not condition:
        raise Unsound(f"line {line}: {text}")


def unpack(data, at=0):
    """One msgpack value of the kinds a payload is made of: (value, end)."""
    tag = data[at]
    at += 1
    if tag <= 0x7F:
        return tag, at
    if tag >= 0xE0:
        return tag - 256, at
    if 0x90 <= tag <= 0x9F:
        return unpack_array(data, at, tag & 0x0F)
    if 0xA0 <= tag <= 0xBF:
        return data[at:at + (tag & 0x1F)].decode(errors="replace"), at + (tag & 0x1F)
    if tag in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[tag], at
    numbers = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
               0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
    if tag in numbers:
        size = struct.calcsize(numbers[tag])
        return struct.unpack(numbers[tag], data[at:at + size])[0], at + size
    lengths = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I",
               0xDC: ">H", 0xDD: ">I"}
    size = struct.calcsize(lengths[tag])
    count = struct.unpack(lengths[tag], data[at:at + size])[0]
    at += size
    if tag in (0xDC, 0xDD):
        return unpack_array(data, at, count)
    value = data[at:at + count]
    return (value.decode(errors="replace") if tag >= 0xD9 else bytes(value)), at + count


def unpack_array(data, at, count):
    out = []
    for _ in range(count):
        value, at = unpack(data, at)
        out.append(value)
    return out, at


def records_of(frame, line):
    """(aggregate, id, part, type, version, metadata, payload) of each record."""
    count, size = struct.unpack_from("<II", frame, 48)
    require(len(frame) == HEADER_BYTES + size, line, "the frame's length")
    out, at = [], HEADER_BYTES
    for _ in range(count):
        kind, _, number, part, ident, version, meta, load = struct.unpack_from("<BBHIQQII", frame, at)
        at += 32
        out.append((kind, ident, part, number, version, frame[at:at + meta],
                    frame[at + meta:at + meta + load]))
        at += meta + load
    require(at == len(frame), line, "the records do not fill the frame")
    return out


class Chain:
    """Frames as they come: each hash follows from the one before."""

    def __init__(self, log_id):
        self.log_id, self.last, self.hash, self.frames = log_id, 0, None, 0
        self.records = {}

    def take(self, entry, line, gaps=False):
        frame = base64.b64decode(entry["bytes"], validate=True)
        require(frame[:4] == b"BSTF" and len(frame) >= HEADER_BYTES, line, "not a frame")
        require(frame[16:32].hex() == self.log_id, line, "a frame of another log")
        first = struct.unpack_from("<Q", frame, 56)[0]
        previous = frame[80:112]
        computed = hashlib.sha256(previous + frame).digest()
        require(entry["hash"] == computed.hex(), line, "the hash differs")
        require(entry["previous"] == previous.hex(), line, "the previous hash differs")
        require(entry["first"] == first, line, "the position differs")
        follows = self.hash is not None and first == self.last + 1
        require(follows or self.hash is None or (gaps and first > self.last), line,
                f"position {self.last + 1} is missing")
        require(not follows or previous == self.hash, line, "the chain is broken")
        records = records_of(frame, line)
        require(entry["last"] == first + len(records) - 1, line, "the last position differs")
        self.records = {first + i: r for i, r in enumerate(records)}
        self.last, self.hash, self.frames = first + len(records) - 1, computed, self.frames + 1


def same_fact(fact, record, line):
    """The decoded fact says what its record's bytes say. Returns how many fields were compared."""
    kind, ident, part, number, version, metadata, payload = record
    require(fact["stream"].startswith(AGGREGATES[kind] + "-"), line, "the stream")
    require(kind == 3 or fact["stream"].split("-")[1] == str(ident), line, "the stream's id")
    require(kind != 2 or fact["stream"].split("-")[2] == str(part), line, "the stream's part")
    require((fact["type"], fact["version"]) == (number, version), line, "type and version")
    if metadata:
        principal, key, asked = unpack(metadata)[0]
        require(fact["principal"] == (principal or None), line, "the principal")
        require(fact["idempotency_key"] == (key or None), line, "the idempotency key")
        require(fact["request_hash"] == str(asked), line, "the request's hash")
    fields = unpack(payload)[0]
    compared = 0
    for stored, shown in zip(fields, fact["data"].values()):
        if isinstance(stored, bytes) and isinstance(shown, str):
            require(stored.hex() == shown, line, f"a digest: {shown}")
        elif isinstance(stored, bool) or isinstance(shown, bool):
            require(bool(stored) == shown, line, f"a flag: {shown}")
        elif isinstance(stored, int) and isinstance(shown, int):
            require(stored == shown, line, f"a number: {shown}")
        elif isinstance(stored, int) and isinstance(shown, str) and shown.lstrip("-").isdigit():
            require(str(stored) == shown, line, f"an id: {shown}")
        elif isinstance(stored, str) and isinstance(shown, str):
            require(stored == shown, line, f"a text: {shown}")
        else:
            continue  # A column, a time or a word: their own forms.
        compared += 1
    return compared


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            require(text.endswith("\n"), number, "cut off")
            yield number, json.loads(text)


def check_export(path):
    """Returns figures of a sound export in the format ndjson or frames."""
    chain, facts, compared, end, title = None, 0, 0, None, None
    for line, entry in lines_of(path):
        require(end is None, line, "something follows the end")
        if entry["kind"] == "export":
            title = entry
            chain = Chain(entry["log_id"])
        elif entry["kind"] == "frame":
            chain.take(entry, line)
        elif entry["kind"] == "fact":
            require(entry["position"] in chain.records, line, "a fact outside its frame")
            require(entry["frame_hash"] == chain.hash.hex(), line, "its frame's hash")
            compared += same_fact(entry, chain.records[entry["position"]], line)
            facts += 1
        else:
            end = entry
    require(end is not None and end["kind"] == "end", 0, "the export has no end")
    require(end["frames"] == chain.frames, 0, "frames are missing")
    require(title["content"] != "ndjson" or end["facts"] == facts, 0, "facts are missing")
    if title["to"] == title["head_position"] and chain.hash:
        require(title["head_hash"] == chain.hash.hex(), 0, "the head differs")
    return {"frames": chain.frames, "facts": facts, "fields": compared, "last": chain.last,
            "head_hash": chain.hash.hex() if chain.hash else None, "log_id": chain.log_id}


def check_proof(path):
    """Frames, chain and messages of a proof; what the facts say of the target is Bestow's to decode,
    but for the position and the SHA-256 of each message."""
    title, claims, chain, end = None, [], None, None
    found = set()
    for line, entry in lines_of(path):
        require(end is None, line, "something follows the end")
        if entry["kind"] == "proof":
            title = entry
            chain = Chain(entry["log_id"])
        elif entry["kind"] == "claim":
            claims.append(entry)
            if "message" in entry:
                message = base64.b64decode(entry["message"], validate=True)
                require(hashlib.sha256(message).hexdigest() == entry["message_sha256"], line,
                        "the message's hash")
        elif entry["kind"] == "frame":
            chain.take(entry, line, gaps=title["chain"] == "facts")
            for claim in claims:
                record = chain.records.get(claim["position"])
                if record:
                    require(record[4] == claim["version"], line, "the claim's version")
                    found.add(claim["position"])
        else:
            end = entry
    require(end is not None, 0, "the proof has no end")
    require(found == {c["position"] for c in claims}, 0, "a claim without its frame")
    if title["chain"] == "whole":
        require(title["head_hash"] == chain.hash.hex(), 0, "the head differs")
    return {"claims": claims, "frames": chain.frames, "head_hash": title["head_hash"]}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as opened:
        proof = json.loads(opened.readline())["kind"] == "proof"
    print(json.dumps((check_proof if proof else check_export)(sys.argv[1]), indent=1))
