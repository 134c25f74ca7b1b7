"""`python -m bench`: start everything, take turns, write the report."""

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import (
    large,
    limit,
    peers,
    postgres,
    processes,
    report,
    retainer,
    rounds,
    startup,
    system,
    workloads,
)
from bench.bars import BEFORE, RETAINER
from bench.contender import Contender, UnavailableError
from bench.large import Large
from bench.limit import Limit
from bench.postgres import Postgres
from bench.processes import Cores
from bench.report import Findings
from bench.rounds import Options
from bench.startup import Startup

NAMES = (RETAINER, *peers.NAMES, limit.NAME)
RESULTS = Path(__file__).parent / "RESULTS.md"
DISK = Path("/var/tmp")  # unlike /tmp, never in memory


def main() -> None:
    given = parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = Options(given.seconds, given.rounds, given.connections, given.workloads, given.large)
    with workspace(given.keep) as folder:
        text = report.render(run(options, given.only, given.before, folder))
    given.output.write_text(text)
    print(text, end="")
    say(f"written to {given.output}")


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Retainer beside its peers."
    )
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="of one contender's turn (default 2)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="turns of each in each workload (default 3)"
    )
    parser.add_argument(
        "--connections", type=int, default=16, help="kept alive at once (default 16)"
    )
    parser.add_argument(
        "--only", type=Names(NAMES), default=list(NAMES), help=f"of {','.join(NAMES)}"
    )
    parser.add_argument(
        "--workloads",
        type=Names(workloads.NAMES),
        default=list(workloads.NAMES),
        help=f"of {','.join(workloads.NAMES)}",
    )
    parser.add_argument(
        "--before",
        type=Path,
        help="a checkout of an earlier commit, with its .venv, as one more contender",
    )
    parser.add_argument(
        "--no-large", dest="large", action="store_false", help="leave the large operations out"
    )
    parser.add_argument("--keep", action="store_true", help="keep the data and the logs of the run")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="file of the report (default bench/RESULTS.md)"
    )
    return parser


class Names:
    """An argument type: comma-separated names of a known set, returned in the set's order."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = known

    def __call__(self, text: str) -> list[str]:
        chosen = {part.strip() for part in text.split(",") if part.strip()}
        if unknown := chosen - set(self.known):
            message = f"{', '.join(sorted(unknown))}: must be among {', '.join(self.known)}"
            raise argparse.ArgumentTypeError(message)
        return [name for name in self.known if name in chosen]


@contextlib.contextmanager
def workspace(keep: bool) -> Iterator[Path]:
    """A folder for the run's data and logs, removed at the end unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="retainer-bench-", dir=DISK if DISK.is_dir() else None))
    folder.chmod(0o711)  # the accounts of the databases pass through it
    try:
        yield folder
    finally:
        if keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def run(options: Options, only: list[str], before: Path | None, folder: Path) -> Findings:
    cores = processes.cores()
    absent: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        say("starting PostgreSQL")
        server = stack.enter_context(postgres.running(folder, cores.around))
        peers.seed(server)
        contenders = start_all(only, before, server, folder, cores, stack, absent)
        limits = limits_of(only, server, folder, cores, contenders, absent)
        say(f"measuring {', '.join(contenders)}")
        samples = rounds.carry_out(options, list(contenders.values()), limits, server.pid, cores)
        larges = measure_large(server, contenders, absent) if options.large else []
        facts = system.facts(server, folder, cores)
    started = measure_startup(folder, absent) if RETAINER in contenders else None
    return Findings(options, samples, contenders, absent, larges, started, facts)


def start_all(
    only: list[str],
    before: Path | None,
    server: Postgres,
    folder: Path,
    cores: Cores,
    stack: contextlib.ExitStack,
    absent: dict[str, str],
) -> dict[str, Contender]:
    """Start the contenders, until `stack` closes; those that cannot take part go into `absent`."""
    found: dict[str, Contender] = {}
    for name in [*only, *([BEFORE] if before else [])]:
        if name == limit.NAME:
            continue
        say(f"starting {name}")
        try:
            found[name] = start(name, before, server, folder, cores)
            stack.callback(processes.stop, found[name].process)
        except UnavailableError as reason:
            absent[name] = str(reason)
            say(f"{name} does not take part: {reason}")
    return found


def start(
    name: str, before: Path | None, server: Postgres, folder: Path, cores: Cores
) -> Contender:
    if name == BEFORE and before:
        return retainer.start(server, folder, cores.server, retainer.earlier(before))
    if name == RETAINER:
        return retainer.start(server, folder, cores.server)
    return peers.start(name, server, folder, cores.server)


def limits_of(
    only: list[str],
    server: Postgres,
    folder: Path,
    cores: Cores,
    contenders: dict[str, Contender],
    absent: dict[str, str],
) -> list[Limit]:
    if limit.NAME not in only:
        return []
    try:
        return limit.prepare(server, folder, contenders.get(RETAINER), cores.server)
    except UnavailableError as reason:
        absent[limit.NAME] = str(reason)
        return []


def measure_startup(folder: Path, absent: dict[str, str]) -> Startup | None:
    say("measuring starts with the embedded database")
    try:
        return startup.measure(folder)
    except UnavailableError as reason:
        absent["the start with the embedded database"] = str(reason)
        return None


def measure_large(
    server: Postgres, contenders: dict[str, Contender], absent: dict[str, str]
) -> list[Large]:
    if RETAINER not in contenders:
        return []
    say("measuring large operations")
    try:
        return large.measure(server, contenders[RETAINER])
    except UnavailableError as error:
        absent["the large operations"] = str(error)
        return []


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
