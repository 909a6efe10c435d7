"""Grant messages of every wire as the grants they hold, read without Bestow's own code."""

import json
import struct

from harness import check

_FIXED = {0xC2: False, 0xC3: True, 0xC0: None}
_WIDE = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
_TEXT = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_LIST = {0xDC: ">H", 0xDD: ">I"}
_MAP = {0xDE: ">H", 0xDF: ">I"}


class _Packed:
    """As much of msgpack as the compact form uses."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        size = struct.calcsize(form)
        value, = struct.unpack_from(form, self.data, self.at)
        self.at += size
        return value

    def value(self):
        head = self.number(">B")
        if head < 0x80:
            return head
        if head < 0x90 or head in _MAP:
            count = head & 15 if head < 0x90 else self.number(_MAP[head])
            return {self.value(): self.value() for _ in range(count)}
        if head < 0xA0 or head in _LIST:
            count = head & 15 if head < 0xA0 else self.number(_LIST[head])
            return [self.value() for _ in range(count)]
        if head < 0xC0 or head in _TEXT:
            size = head & 31 if head < 0xC0 else self.number(_TEXT[head])
            self.at += size
            return self.data[self.at - size:self.at].decode()
        if head in _WIDE:
            return self.number(_WIDE[head])
        check(head in _FIXED, f"byte {head:#x} is not of the compact form")
        return _FIXED[head]


def grants_of(payload):
    """The payloads of one message, every value as the JSON wire writes it."""
    if payload[:1] == b"{":
        envelope = json.loads(payload)
        return envelope["payloads"] if "payloads" in envelope else [envelope["payload"]]
    packed = _Packed(payload)
    envelope = packed.value()
    check(packed.at == len(payload), "nothing stands behind a packed message")
    return [{name: value if isinstance(value, bool) else str(value)
             for name, value in zip(envelope["fields"], row, strict=True)}
            for row in envelope["payloads"]]
