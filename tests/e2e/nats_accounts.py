"""Keys, tokens, certificates and permissions for a nats-server under test, made with openssl.

NKeys are Ed25519 keys as base32 text; a credentials file holds a user's JWT, signed by its account,
which the server's operator signed.
"""

import base64
import hashlib
import json
import subprocess
import time

from harness import check

_PREFIX = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
_SEED = 18 << 3


def _openssl(*arguments, stdin=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True,
                          check=False)
    check(done.returncode == 0, f"openssl {arguments}: {done.stderr.decode()}")
    return done.stdout


def _crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021) & 0xFFFF if crc & 0x8000 else (crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def _base32(data):
    return base64.b32encode(data + _crc16(data)).decode().rstrip("=")


class Key:
    """One NKey: .public ("U..."), .seed ("SU..."), .sign()."""

    def __init__(self, directory, kind, name):
        self._pem = directory / f"{name}.pem"
        _openssl("genpkey", "-algorithm", "ed25519", "-out", self._pem)
        # The last 32 bytes of both DER forms are the raw key.
        secret = _openssl("pkey", "-in", self._pem, "-outform", "DER")[-32:]
        public = _openssl("pkey", "-in", self._pem, "-pubout", "-outform", "DER")[-32:]
        prefix = _PREFIX[kind]
        self.public = _base32(bytes([prefix]) + public)
        self.seed = _base32(bytes([_SEED | prefix >> 5, (prefix & 31) << 3]) + secret)
        self._scratch = directory / f"{name}.msg"

    def sign(self, data):
        self._scratch.write_bytes(data)
        return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", self._pem, "-in", self._scratch)


def _base64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _jwt(issuer, subject, name, claims):
    body = {"iat": int(time.time()), "iss": issuer.public, "name": name, "sub": subject.public,
            "nats": {**claims, "version": 2}}
    body["jti"] = base64.b32encode(hashlib.sha256(json.dumps(body).encode()).digest()).decode()
    text = (_base64(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode()) + "."
            + _base64(json.dumps(body).encode()))
    return text + "." + _base64(issuer.sign(text.encode()))


def credentials(directory):
    """(server configuration, path of the user's credentials file)."""
    operator = Key(directory, "operator", "operator")
    account = Key(directory, "account", "account")
    system = Key(directory, "account", "system")  # JetStream wants one.
    user = Key(directory, "user", "user")
    operator_jwt = _jwt(operator, operator, "op", {"type": "operator"})
    unlimited = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
                 "wildcards": True, "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1,
                 "streams": -1, "consumer": -1}
    account_jwt = _jwt(operator, account, "grants", {"type": "account", "limits": unlimited})
    system_jwt = _jwt(operator, system, "system", {"type": "account", "limits": {
        **unlimited, "mem_storage": 0, "disk_storage": 0, "streams": 0, "consumer": 0}})
    user_jwt = _jwt(account, user, "bestow", {"type": "user", "subs": -1, "data": -1,
                                              "payload": -1})
    (directory / "operator.jwt").write_text(operator_jwt)
    creds = directory / "bestow.creds"
    creds.write_text(f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
                     f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n"
                     "------END USER NKEY SEED------\n")
    config = (f'operator: "{directory}/operator.jwt"\nresolver: MEMORY\n'
              f"system_account: {system.public}\n"
              f"resolver_preload: {{ {account.public}: {account_jwt}\n"
              f"  {system.public}: {system_jwt} }}\n")
    return config, creds


def certificates(directory, host="127.0.0.1"):
    """A certificate authority and, signed by it, a server for `host` and a client."""
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", "/CN=test CA",
             "-keyout", directory / "ca.key", "-out", directory / "ca.pem")
    for name in ("server", "client"):
        names = directory / f"{name}.ext"
        names.write_text(f"subjectAltName = IP:{host}\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.csr")
        _openssl("x509", "-req", "-days", 2, "-in", directory / f"{name}.csr",
                 "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key", "-CAcreateserial",
                 "-extfile", names, "-out", directory / f"{name}.pem")


def permissions(guide, role):
    """The permissions that the guide gives a role, as server configuration: what is documented is
    what is proved."""
    text = guide.read_text()
    begin = text.index(f"<!-- permissions: {role} -->")
    begin = text.index("```", begin)
    begin = text.index("\n", begin) + 1
    return text[begin:text.index("```", begin)]
