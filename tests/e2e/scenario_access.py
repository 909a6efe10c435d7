"""An external server that asks who is there: passwords, keys, tokens, TLS, permissions, its age."""

import json
import socket
import threading

import flows
import nats_accounts
from commands import Commands
from harness import check, check_equal, free_port, wait_until
from nats_client import Nats
from registry import scenario


def refused_start(world, url, code):
    """bestow serve ends by itself, naming the fault and what to do."""
    answer = world.run(world.tools.bestow, "serve", "--data", world.data, "--listen",
                       f"127.0.0.1:{world.port}", "--nats", url, within=20)
    check_equal(answer.code, 1, f"exit code: {answer.err}")
    check(code in answer.err and "[nats]" in answer.err, f"names {code} and a remedy: {answer.err}")
    check("hunter2" not in answer.err, "no password is printed")
    return answer.err


def grants_flow(world, url, *wallet_options):
    """A promotion completes over the connection that was made, and reconciles."""
    world.serve("--nats", url)
    wallet = world.spawn("wallet", [world.tools.wallet, "--nats", url, "--data", world.dir / "wallet",
                           *wallet_options])
    for kind in ("point", "voucher"):
        promotion, _, summary = flows.prepare(world, kind, 1_500)
        flows.start(world, promotion)
        body = flows.wait_completed(world, promotion)
        flows.check_counts(body, summary)
        flows.check_three_ways(world, promotion, body)
    check_equal(world.server.stop(), 0, "exit code of a stopped bestow")
    wallet.stop()


@scenario
def password_access(world):
    """User and password: refused by name when wrong, used when right."""
    port = world.own_nats(config='authorization { users: [ { user: "b", password: "pw" } ] }\n')
    url = f"nats://127.0.0.1:{port}"
    refused_start(world, url, "broker_access_refused")
    world.env["BESTOW_NATS_USER"] = "b"
    world.env["BESTOW_NATS_PASSWORD"] = "hunter2"
    refused_start(world, url, "broker_access_refused")
    world.env["BESTOW_NATS_PASSWORD"] = "pw"
    grants_flow(world, url, "--user", "b")


@scenario
def key_access(world):
    """An NKey seed, and a credentials file with JWT: a wrong key is refused by name."""
    right = nats_accounts.Key(world.dir, "user", "right")
    wrong = nats_accounts.Key(world.dir, "user", "wrong")
    seed, other = world.dir / "right.seed", world.dir / "wrong.seed"
    seed.write_text(right.seed + "\n")
    other.write_text(wrong.seed + "\n")
    port = world.own_nats(config=f"authorization {{ users: [ {{ nkey: {right.public} }} ] }}\n")
    url = f"nats://127.0.0.1:{port}"
    world.env["BESTOW_NATS_NKEY"] = str(other)
    refused_start(world, url, "broker_access_refused")
    world.env["BESTOW_NATS_NKEY"] = str(seed)
    grants_flow(world, url, "--nkey", seed)
    world.nats.kill()

    config, creds = nats_accounts.credentials(world.dir)
    port = world.own_nats(config=config)
    del world.env["BESTOW_NATS_NKEY"]
    url = f"nats://127.0.0.1:{port}"
    refused_start(world, url, "broker_access_refused")
    world.env["BESTOW_NATS_CREDENTIALS"] = str(creds)
    world.data = world.dir / "data2"
    grants_flow(world, url, "--credentials", creds)


@scenario
def tls_access(world):
    """TLS both ways: an unknown authority and another host are refused by name."""
    nats_accounts.certificates(world.dir)
    port = world.own_nats(config=f"""tls {{
      cert_file: "{world.dir}/server.pem"
      key_file: "{world.dir}/server.key"
      ca_file: "{world.dir}/ca.pem"
      verify: true
    }}
    """)
    url = f"tls://127.0.0.1:{port}"
    client = {"BESTOW_NATS_TLS_CERT": f"{world.dir}/client.pem",
              "BESTOW_NATS_TLS_KEY": f"{world.dir}/client.key"}
    world.env.update(client)
    refused_start(world, url, "broker_access_refused")  # The system knows no such authority.
    world.env["BESTOW_NATS_TLS_CA"] = f"{world.dir}/ca.pem"
    refused_start(world, url.replace("127.0.0.1", "localhost"), "broker_access_refused")
    del world.env["BESTOW_NATS_TLS_KEY"]
    half = world.run(world.tools.bestow, "serve", "--data", world.data, "--nats", url)
    check("tls_key" in half.err and "bad_config" in half.err, f"half a pair: {half.err}")
    world.env.update(client)
    grants_flow(world, url, "--tls-ca", f"{world.dir}/ca.pem", "--tls-cert",
                f"{world.dir}/client.pem", "--tls-key", f"{world.dir}/client.key")


@scenario
def least_privilege(world):
    """The permissions of the guide, and no others, are enough for each role; more is refused."""
    guide = world.tools.source / "docs" / "guides" / "broker.md"
    bestow, wallet, commander = (nats_accounts.permissions(guide, role)
                                 for role in ("bestow", "wallet", "commander"))
    port = world.own_nats(config=f"""authorization {{ users: [
      {{ user: "bestow", password: "hunter2", permissions: {{ {bestow} }} }}
      {{ user: "wallet", password: "hunter2", permissions: {{ {wallet} }} }}
      {{ user: "commander", password: "hunter2", permissions: {{ {commander} }} }}
      {{ user: "admin", password: "hunter2" }}
    ] }}
    """)
    url = f"nats://127.0.0.1:{port}"
    world.env.update({"BESTOW_NATS_USER": "bestow", "BESTOW_NATS_PASSWORD": "hunter2"})
    grants_flow(world, url, "--user", "wallet")
    violations = [line for line in world.nats.output().splitlines() if "Violation" in line]
    check_equal(violations, [], "permissions that are wanted and not given")

    # A rebuild may not delete the stream: it says so, and goes on when someone else has.
    admin = Nats(f"nats://admin:hunter2@127.0.0.1:{port}")
    world.serve("--nats", url)
    commands = Commands(f"nats://commander:hunter2@127.0.0.1:{port}")
    check_equal(len(commands.do("promotion.list")["promotions"]), 2, "commands are answered")
    check_equal(json.loads(commands.nats.request("$SRV.PING.bestow"))["name"], "bestow", "$SRV")
    commands.close()
    before = list(admin.read_all("GRANTS_POINT"))
    config = admin.api("STREAM.INFO.GRANTS_POINT")["config"]
    reply = admin.api("STREAM.UPDATE.GRANTS_POINT", {**config, "max_age": 3_600_000_000_000})
    check("error" not in reply, f"{reply}")

    def row():
        body = world.http("GET", "/api/v1/streams")[1]
        return next(r for r in body["streams"] if r["name"] == "GRANTS_POINT")
    wait_until(lambda: row()["state"] == "halted", 20, "halted")
    world.bestow("nats", "rebuild", "GRANTS_POINT", "--yes")
    wait_until(lambda: "delete stream GRANTS_POINT by hand" in row()["detail"], 20,
               "it says what it may not do")
    check_equal(row()["code"], "broker_access_refused", "code")
    admin.api("STREAM.DELETE.GRANTS_POINT")
    wait_until(lambda: row()["state"] == "ready", 20, "it goes on by itself")
    check_equal(list(admin.read_all("GRANTS_POINT"))[1:], before[1:], "the stream")

    # Whoever holds the wallet's password can neither grant nor destroy.
    thief = Nats(f"nats://wallet:hunter2@127.0.0.1:{port}")
    thief.publish("prepay.campaign.point.publish.0", "{}")
    thief.publish("$JS.API.STREAM.DELETE.GRANTS_POINT", "")
    thief.publish("$JS.API.STREAM.PURGE.GRANTS_POINT", "")
    thief.publish("$JS.API.ACCOUNT.PURGE.$G", "")
    wait_until(lambda: world.nats.output().count("Violation") >= 5, 20, "each is refused")
    check_equal(list(admin.read_all("GRANTS_POINT"))[1:], before[1:], "the stream")
    admin.close()
    thief.close()


class OldServer(threading.Thread):
    """Greets as nats-server 2.8.4 does."""

    def __init__(self):
        super().__init__(daemon=True)
        self._listening = socket.create_server(("127.0.0.1", free_port()))
        self.port = self._listening.getsockname()[1]

    def run(self):
        info = {"server_id": "x", "version": "2.8.4", "proto": 1, "headers": True,
                "max_payload": 1_048_576, "jetstream": True}
        while True:
            connection, _ = self._listening.accept()
            threading.Thread(target=self._talk, args=(connection, info), daemon=True).start()

    @staticmethod
    def _talk(connection, info):
        connection.sendall(b"INFO " + json.dumps(info).encode() + b" \r\n")
        try:
            while data := connection.recv(4096):
                for _ in range(data.count(b"PING\r\n")):
                    connection.sendall(b"PONG\r\n")
        except OSError:
            pass


@scenario
def old_server(world):
    """A server older than 2.9.10 is refused by name, and replicas on one older than 2.10.23."""
    server = OldServer()
    server.start()
    text = refused_start(world, f"nats://127.0.0.1:{server.port}", "broker_version_unsupported")
    check("2.8.4" in text and "2.9.10" in text, f"names both versions: {text}")
    port = world.own_nats()
    world.env["BESTOW_NATS_REPLICAS"] = "3"
    text = refused_start(world, f"nats://127.0.0.1:{port}", "broker_version_unsupported")
    check("2.10.23" in text, f"names the version that is needed: {text}")
