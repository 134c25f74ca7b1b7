"""The bars: how far ahead Retainer has to be, and whether it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import limit, workloads
from bench.contender import Contender
from bench.large import Large
from bench.rounds import Sample
from bench.startup import Startup

Medians = Mapping[tuple[str, str], Sample]  # by workload and contender

RETAINER = "retainer"
BEFORE = "before"  # an earlier commit of it: no peer, and in no bar
MOST = (workloads.ONE, workloads.LIST50, workloads.CREATE, workloads.MIX)
CHEAPER = {  # peer → for each of MOST how many times more processor time a request takes, at least
    "express": (4.0, 2.0, 1.0, 3.0),
    "fastify": (1.3, 1.2, 0.4, 0.9),
    "fastify-duties": (1.0, 1.0, 1.3, 1.3),
    "fastapi": (5.0, 5.0, 5.0, 5.0),
    "directus": (20.0, 20.0, 20.0, 20.0),
}
OVER_BARE = {  # workload → statement of pgbench, and how many times its time PostgreSQL may take
    workloads.LIST50: (limit.BARE_ROWS, 2.5),
    workloads.CREATE: (limit.BARE_INSERT, 3.0),
}
LIMIT_SHARE = 0.55
STREAM_RATE = 3.0
POINT_READ_MS = 10.0
FLAT = 1.2  # memory at its peak over memory when idle
PAGE_MS, PAGES_A_SECOND = 15.0, 500.0
GROWTH = 1.5  # the cost of a row at the larger size over that at the smaller one
SCANNED = 3.0  # rows read by scans for each row that an operation touches
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
    medians: Medians,
    contenders: Mapping[str, Contender],
    larges: Sequence[Large],
    startup: Startup | None,
) -> list[Verdict]:
    """Every bar that this run measured."""
    found = [*cheaper(medians), *share_of_limit(medians), *over_bare(medians)]
    found += [*streamed(medians, contenders), *pages(medians), *large_operations(larges)]
    return found + (list(started(startup)) if startup is not None else [])


def cheaper(medians: Medians) -> Iterator[Verdict]:
    """The processor time of the server and PostgreSQL together, which is what a user pays for."""
    for peer, least in CHEAPER.items():
        for workload, bar in zip(MOST, least, strict=True):
            own, other = medians.get((workload, RETAINER)), medians.get((workload, peer))
            if own is None or other is None:
                continue
            ratio = other.total_us / own.total_us
            shown = "ahead (> 1)" if bar == 1.0 and peer != "express" else f"≥ {bar:g} times"
            met = ratio >= bar and (ratio > 1.0 or not shown.startswith("ahead"))
            stalled = " (stalled)" if own.stalled or other.stalled else ""
            what = f"{workload}: total µs of {peer} / of Retainer{stalled}"
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


def over_bare(medians: Medians) -> Iterator[Verdict]:
    """PostgreSQL's time for a request beside that for the least that any product must ask of it."""
    for workload, (bare, most) in OVER_BARE.items():
        own, least = medians.get((workload, RETAINER)), medians.get((workload, bare))
        if own is None or least is None:
            continue
        ratio = own.postgres_us / least.postgres_us
        what = f"{workload}: PostgreSQL's µs for Retainer / for {bare}"
        yield Verdict(
            "near the bare statement",
            what,
            f"{ratio:.2f} times",
            f"≤ {most:g} times",
            ratio <= most,
        )


def pages(medians: Medians) -> Iterator[Verdict]:
    alone, many = medians.get((workloads.PAGE, RETAINER)), medians.get((workloads.PAGES, RETAINER))
    if alone is not None and alone.p50_ms is not None:
        what = "page of 50 organizations, one at a time: p50"
        met = alone.p50_ms <= PAGE_MS
        yield Verdict("pages", what, f"{alone.p50_ms:.1f} ms", f"≤ {PAGE_MS:g} ms", met)
    if many is not None:
        for whose, each in (
            ("the server's", many.server_us),
            ("the server's and PostgreSQL's", many.total_us),
        ):
            what = f"page of 50 organizations, gzip: pages in a second of {whose} processor time"
            figure, met = f"{1e6 / each:.0f}", 1e6 / each >= PAGES_A_SECOND
            yield Verdict("pages", what, figure, f"≥ {PAGES_A_SECOND:g}", met)


def large_operations(larges: Sequence[Large]) -> Iterator[Verdict]:
    """All succeed, their cost grows no faster than their size, and they read no table over and over."""
    for what in dict.fromkeys(each.what for each in larges):
        least, *_, most = (each for each in larges if each.what == what)
        name = "large operations"
        status, growth = most.status, most.total_us / least.total_us
        subject = f"{what} of {most.rows:,}"
        figure = f"{status or 'no answer'} after {most.seconds:.1f} s"
        yield Verdict(name, subject, figure, "succeeds", 200 <= status < 300)
        grown, bar = f"{subject}: µs a row / at {least.rows:,}", f"≤ {GROWTH:g} times"
        yield Verdict(name, grown, f"{growth:.2f} times", bar, growth <= GROWTH)
        read = f"{subject}: rows read by scans, for each row touched"
        yield Verdict(name, read, f"{most.scanned:.2f}", f"≤ {SCANNED:g}", most.scanned <= SCANNED)


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
