"""Runs end-to-end scenarios against the real binaries. Exit code 0: all passed.

  run.py --bestow FILE --wallet FILE --make-targets FILE [--list] [SCENARIO...]

BESTOW_E2E_SEED fixes the seed; BESTOW_E2E_TARGETS, BESTOW_E2E_KILLS and BESTOW_E2E_IMPORT_ROWS
make the long forms; BESTOW_E2E_KEEP=1 keeps the directory of a scenario that passed.
"""

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

import scenario_access  # noqa: F401
import scenario_backup  # noqa: F401
import scenario_adopt  # noqa: F401
import scenario_bench  # noqa: F401
import scenario_broker  # noqa: F401  Importing registers the scenarios.
import scenario_cli  # noqa: F401
import scenario_commands  # noqa: F401
import scenario_disk  # noqa: F401
import scenario_docs  # noqa: F401
import scenario_evidence  # noqa: F401
import scenario_events  # noqa: F401
import scenario_faults  # noqa: F401
import scenario_import  # noqa: F401
import scenario_input  # noqa: F401
import scenario_life  # noqa: F401
import scenario_loop  # noqa: F401
import scenario_many  # noqa: F401
import scenario_messages  # noqa: F401
import scenario_reads  # noqa: F401
import scenario_streams  # noqa: F401
import scenario_vouchers  # noqa: F401
from harness import World
from registry import SCENARIOS


def run_one(name, tools, seed):
    world = World(tools, seed)
    begin = time.monotonic()
    print(f"{name}: seed {seed}: {SCENARIOS[name].__doc__}", flush=True)
    try:
        SCENARIOS[name](world)
    except Exception:  # Any trouble is this scenario's failure; the others still run.
        traceback.print_exc()
        world.report_logs()
        world.close(keep=True)
        print(f"FAILED {name} (BESTOW_E2E_SEED={seed}) after {time.monotonic() - begin:.1f} s")
        return False
    world.close(keep=os.environ.get("BESTOW_E2E_KEEP") == "1")
    print(f"passed {name} in {time.monotonic() - begin:.1f} s", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bestow", type=Path)
    parser.add_argument("--wallet", type=Path)
    parser.add_argument("--make-targets", type=Path)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("scenarios", nargs="*")
    tools = parser.parse_args()
    tools.source = Path(__file__).resolve().parents[2]
    if tools.list:
        print("\n".join(SCENARIOS))
        return 0
    unknown = [name for name in tools.scenarios if name not in SCENARIOS]
    if unknown or not (tools.bestow and tools.wallet and tools.make_targets):
        parser.error(f"unknown scenarios: {unknown}" if unknown else "the three programs are needed")
    seed = int(os.environ.get("BESTOW_E2E_SEED") or int.from_bytes(os.urandom(3), "big") + 1)
    failed = [n for n in tools.scenarios or SCENARIOS if not run_one(n, tools, seed)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
