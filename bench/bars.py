"""The bars: how far ahead Retainer has to be, and whether it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench import limit, workloads
from bench.contender import Contender
from bench.rounds import Sample
from bench.startup import Startup

Medians = Mapping[tuple[str, str], Sample]  # by workload and contender

RETAINER = "retainer"
BEFORE = "before"  # an earlier commit of it: no peer, and in no bar
CHEAPER = {  # peer → workload → how many times more processor time it takes per request, at least
    "express": {
        workloads.ONE: 4.0,
        workloads.LIST50: 3.0,
        workloads.CREATE: 2.0,
        workloads.MIX: 3.0,
    },
    "fastify": dict.fromkeys(
        (workloads.ONE, workloads.LIST50, workloads.CREATE, workloads.MIX), 1.0
    ),
    "fastapi": dict.fromkeys(
        (workloads.ONE, workloads.LIST50, workloads.CREATE, workloads.MIX), 5.0
    ),
}
LIMIT_SHARE = 0.35
STREAM_RATE = 1.5
POINT_READ_MS = 10.0
FLAT = 1.2  # memory at its peak over memory when idle
FIRST_START_SECONDS, NEXT_START_SECONDS, IDLE_MB = 5.0, 1.5, 200.0
MB = 1e6


@dataclass(frozen=True)
class Verdict:
    """One bar: its name, what is compared, the figure, the bar, met or missed."""

    name: str
    what: str
    figure: str
    bar: str
    met: bool


def verdicts(
    medians: Medians, contenders: Mapping[str, Contender], startup: Startup | None
) -> list[Verdict]:
    """Every bar that this run measured."""
    found = [*cheaper(medians), *share_of_limit(medians), *streamed(medians, contenders)]
    return found + (list(started(startup)) if startup is not None else [])


def cheaper(medians: Medians) -> Iterator[Verdict]:
    for peer, least in CHEAPER.items():
        for workload, bar in least.items():
            own, other = medians.get((workload, RETAINER)), medians.get((workload, peer))
            if own is None or other is None:
                continue
            ratio = other.server_us / own.server_us
            shown = "ahead (> 1)" if bar == 1.0 else f"≥ {bar:g} times"
            met = ratio > 1.0 and ratio >= bar
            stalled = " (stalled)" if own.stalled or other.stalled else ""
            what = f"{workload}: µs of {peer} / µs of Retainer{stalled}"
            yield Verdict(f"cheaper than {peer}", what, f"{ratio:.2f} times", shown, met)


def share_of_limit(medians: Medians) -> Iterator[Verdict]:
    own, top = medians.get((workloads.ONE, RETAINER)), medians.get((workloads.ONE, limit.NAME))
    if own is not None and top is not None:
        share = own.rate / top.rate
        what = "one: requests/s of Retainer / transactions/s of pgbench"
        yield Verdict(
            "share of the database's limit",
            what,
            f"{share:.3f}",
            f"≥ {LIMIT_SHARE}",
            share >= LIMIT_SHARE,
        )


def streamed(medians: Medians, contenders: Mapping[str, Contender]) -> Iterator[Verdict]:
    own = medians.get((workloads.ALL, RETAINER))
    if own is None:
        return
    peers = {
        name: sample
        for (which, name), sample in medians.items()
        if which == workloads.ALL and name not in (RETAINER, BEFORE)
    }
    yield from (faster(own, peers[name], note) for name, note in rivals(peers))
    if own.point_read_p50_ms is not None:
        what, met = "all: point read beside it, p50", own.point_read_p50_ms <= POINT_READ_MS
        yield Verdict(
            "a whole list", what, f"{own.point_read_p50_ms:.1f} ms", f"≤ {POINT_READ_MS:g} ms", met
        )
    idle = contenders[RETAINER].rss_idle
    figure = f"{idle / MB:.0f} → {own.rss_peak / MB:.0f} MB"
    yield Verdict(
        "a whole list",
        "all: memory, idle → peak",
        figure,
        f"flat: ≤ {FLAT} times",
        own.rss_peak <= FLAT * idle,
    )


def rivals(peers: Mapping[str, Sample]) -> Iterator[tuple[str, str]]:
    """Fastify, whom the bar names, and whoever is faster still: an answer by schema costs Fastify
    time at this size.
    """
    if "fastify" in peers:
        yield "fastify", ""
    fastest = max(peers, key=lambda name: peers[name].rate, default="fastify")
    if fastest != "fastify":
        yield fastest, ", the fastest peer (stricter than the bar)"


def faster(own: Sample, peer: Sample, note: str) -> Verdict:
    ratio, what = own.rate / peer.rate, f"all: lists/s of Retainer / of {peer.contender}{note}"
    return Verdict(
        "a whole list", what, f"{ratio:.2f} times", f"≥ {STREAM_RATE} times", ratio >= STREAM_RATE
    )


def started(startup: Startup) -> Iterator[Verdict]:
    first, again, idle = startup.first_seconds, startup.next_seconds, startup.idle_pss / MB
    for what, figure, bar, unit in (
        ("first start, database made", first, FIRST_START_SECONDS, "s"),
        ("next start", again, NEXT_START_SECONDS, "s"),
        ("idle memory with the database (PSS)", idle, IDLE_MB, "MB"),
    ):
        yield Verdict(
            "start and idle", what, f"{figure:.3g} {unit}", f"≤ {bar:g} {unit}", figure <= bar
        )
