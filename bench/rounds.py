"""The rounds: contenders take turns, the order rotates, and each turn is one Sample."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench import workloads
from bench.contender import Contender, UnavailableError
from bench.limit import Limit
from bench.load import Load, Outcome
from bench.processes import Cores

SETTLE_SECONDS = 0.5  # of every turn, before its window opens
WARM_SECONDS = 2.0  # unmeasured, of every contender in every workload, before the first round: compilers need it
STALLED = 0.25  # share of a core
PATIENCE_SECONDS = 60.0  # beyond the window, before a run of the load generator counts as hung


@dataclass(frozen=True)
class Options:
    """Extent of a run; `seconds` is the window of one turn."""

    seconds: float
    rounds: int
    connections: int
    workloads: Sequence[str]
    large: bool = True


@dataclass(frozen=True)
class Sample:
    """One turn. Processor time in µs per request, latencies in ms, memory and size in bytes."""

    contender: str
    workload: str
    server_us: float
    postgres_us: float
    rate: float
    p50_ms: float | None
    p99_ms: float | None
    busy: float  # share of the window in which the server had its core
    errors: int = 0
    first_error: str = ""
    bytes_per_second: float = 0.0
    answer_bytes: float = 0.0  # headers included
    rss_peak: int = 0
    point_read_p50_ms: float | None = None

    @property
    def total_us(self) -> float:
        """The work of the whole machine for a request: server and PostgreSQL together."""
        return self.server_us + self.postgres_us

    @property
    def stalled(self) -> bool:
        """Neither the server nor PostgreSQL worked much: both waited, as a rule for the disk."""
        return max(self.busy, self.postgres_us * self.rate / 1e6) < STALLED


def carry_out(
    options: Options,
    contenders: Sequence[Contender],
    limits: Sequence[Limit],
    postgres_pid: int,
    cores: Cores,
) -> list[Sample]:
    """Every workload in `options.rounds` rounds; pgbench takes its turns in those of its limits."""
    samples: list[Sample] = []
    for workload in options.workloads:
        takers: dict[str, Contender | Limit] = {
            each.name: each for each in contenders if workload not in each.without
        }
        if workload not in workloads.SAME_CODE:
            for taker in takers.values():
                turn(taker, workload, replace(options, seconds=WARM_SECONDS), postgres_pid, cores)
        takers |= {each.name: each for each in limits if each.workload == workload}
        for number, name in turns(list(takers), options.rounds):
            sample = turn(takers[name], workload, options, postgres_pid, cores)
            if sample is not None:
                samples.append(sample)
                progress(sample, number, options.rounds)
    return samples


def turn(
    taker: Contender | Limit, workload: str, options: Options, postgres_pid: int, cores: Cores
) -> Sample | None:
    """One turn; None, and a line that says why, where nothing could be measured."""
    try:
        if isinstance(taker, Limit):
            return of_limit(taker, options)
        return of_contender(taker, workload, options, postgres_pid, cores)
    except UnavailableError as error:
        print(f"  {workload} {taker.name}: {error}", file=sys.stderr, flush=True)
        return None


def turns(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """(round, name), everyone once a round, each round begun by the next one."""
    for number in range(rounds):
        shift = number % len(names) if names else 0
        for name in [*names[shift:], *names[:shift]]:
            yield number + 1, name


def of_contender(
    contender: Contender, workload: str, options: Options, postgres_pid: int, cores: Cores
) -> Sample:
    lanes = workloads.lanes(workload, contender, options.connections)
    pids = {"server_pid": contender.process.pid, "postgres_pid": postgres_pid}
    load = Load(
        port=contender.port, seconds=options.seconds, warmup=SETTLE_SECONDS, lanes=lanes, **pids
    )
    outcome = run_load(load, cores.around)
    return sample_of(contender.name, workload, outcome)


def sample_of(name: str, workload: str, outcome: Outcome) -> Sample:
    lane = outcome.lanes[workload]
    point_read = outcome.lanes.get(workloads.POINT_READ)
    if lane.requests == 0:
        raise UnavailableError(f"not one answer ({lane.first_error or 'none came in time'})")
    # Large answers are few: those begun or ended outside the window count by the bytes that fell
    # into it.
    answers = lane.bytes / lane.answer_bytes if workload == workloads.ALL else lane.requests
    return Sample(
        contender=name,
        workload=workload,
        server_us=outcome.server_cpu / answers * 1e6,
        postgres_us=outcome.postgres_cpu / answers * 1e6,
        rate=answers / outcome.seconds,
        p50_ms=lane.p50_ms,
        p99_ms=lane.p99_ms,
        busy=outcome.server_cpu / outcome.seconds,
        errors=sum(each.errors for each in outcome.lanes.values()),
        first_error=next((each.first_error for each in outcome.lanes.values() if each.errors), ""),
        bytes_per_second=lane.bytes / outcome.seconds,
        answer_bytes=lane.bytes / answers,
        rss_peak=outcome.rss_peak,
        point_read_p50_ms=point_read.p50_ms
        if point_read is not None and point_read.requests
        else None,
    )


def of_limit(ceiling: Limit, options: Options) -> Sample:
    rate = ceiling.run(options.connections, options.seconds)
    return Sample(
        contender=ceiling.name,
        workload=ceiling.workload,
        server_us=rate.cpu / rate.transactions * 1e6,
        postgres_us=rate.postgres_cpu / rate.transactions * 1e6,
        rate=rate.transactions / rate.seconds,
        p50_ms=None,
        p99_ms=None,
        busy=rate.cpu / rate.seconds,
    )


def run_load(load: Load, core: int) -> Outcome:
    """The load generator in a process of its own, on `core`."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            check=False,
            input=msgspec.json.encode(load),
            cwd=Path(__file__).parent.parent,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            capture_output=True,
            timeout=load.seconds + load.warmup + PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError("the load generator did not come to an end") from error
    if done.returncode != 0:
        raise UnavailableError(
            f"the load generator failed: {done.stderr.decode(errors='replace')[-400:]}"
        )
    return msgspec.json.decode(done.stdout, type=Outcome)


def progress(sample: Sample, number: int, rounds: int) -> None:
    errors = f", {sample.errors} ERRORS: {sample.first_error}" if sample.errors else ""
    print(
        f"  {sample.workload} {number}/{rounds} {sample.contender}: {sample.server_us:,.0f} µs server, "
        f"{sample.postgres_us:,.0f} µs PostgreSQL, {sample.rate:,.0f}/s{errors}",
        file=sys.stderr,
        flush=True,
    )
