"""The report: the same tables on the screen and in RESULTS.md."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from bench import bars, limit, workloads
from bench.bars import BEFORE, MB, RETAINER, Medians, Verdict
from bench.contender import Contender
from bench.large import Large
from bench.rounds import STALLED, Options, Sample
from bench.startup import Startup


@dataclass(frozen=True)
class Findings:
    """Results of a run; `absent` has the contenders that did not take part, with the reason."""

    options: Options
    samples: Sequence[Sample]
    contenders: Mapping[str, Contender]
    absent: Mapping[str, str]
    larges: Sequence[Large]
    startup: Startup | None
    facts: Mapping[str, str]


def render(findings: Findings) -> str:
    """The whole report as Markdown."""
    medians = medians_of(findings.samples)
    verdicts = bars.verdicts(medians, findings.contenders, findings.larges, findings.startup)
    parts = [
        "# Results",
        "",
        introduction(findings.options),
        "",
        *absences(findings.absent),
        *measured(findings, medians),
        *large_operations(findings.larges),
        *judged(verdicts),
        *behind(medians),
        *machine(findings),
    ]
    return "\n".join(parts) + "\n"


def introduction(options: Options) -> str:
    return (
        f"Made by `python -m bench`: {options.rounds} interleaved rounds of {options.seconds:g} s a turn, "
        f"{options.connections} connections; medians, in brackets the least and the most. µs are processor "
        "time per request by the operating system's accounting: in total, then of the server's processes and "
        "of PostgreSQL's. `kB` is an answer with its headers. `busy` is the share of its core the server used: "
        "well below 100 %, requests/s and latencies say what the other core (load generator, PostgreSQL) could "
        f"do, not what the server could; where PostgreSQL too is below {STALLED:.0%} both waited, for the disk "
        "as a rule: (stalled), measure again. What each figure means stands in README.md."
    )


def absences(absent: Mapping[str, str]) -> Iterator[str]:
    for name, reason in absent.items():
        first, *rest = reason.strip().splitlines()
        yield f"**{name} did not take part:** {first}"
        yield from ["", "```", *rest, "```"] if rest else []
        yield ""


def measured(findings: Findings, medians: Medians) -> Iterator[str]:
    for workload in findings.options.workloads:
        yield f"## {workloads.TITLES[workload]}"
        yield ""
        yield "| contender | total µs | server µs | PostgreSQL µs | requests/s | p50 ms | p99 ms | kB | busy | errors |"
        yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        for (which, name), median in medians.items():
            if which == workload:
                yield row(
                    median,
                    [s for s in findings.samples if (s.workload, s.contender) == (which, name)],
                )
        yield ""
        if workload == workloads.ALL:
            yield from streams(findings, medians)


def row(median: Sample, samples: Sequence[Sample]) -> str:
    totals = [sample.total_us for sample in samples]
    cells = [
        median.contender + remark(median),
        f"{statistics.median(totals):,.0f} ({min(totals):,.0f}-{max(totals):,.0f})",
        f"{median.server_us:,.0f}",
        f"{median.postgres_us:,.0f}",
        f"{median.rate:,.{0 if median.rate >= 100 else 1}f}",
        milliseconds(median.p50_ms),
        milliseconds(median.p99_ms),
        f"{median.answer_bytes / 1000:.1f}" if median.answer_bytes else "-",
        f"{median.busy:.0%}",
        f"{sum(s.errors for s in samples)}",
    ]
    return f"| {' | '.join(cells)} |"


def remark(median: Sample) -> str:
    if median.contender in limit.NAMES:
        return " (the limit)"
    return " (stalled)" if median.stalled else ""


def streams(findings: Findings, medians: Medians) -> Iterator[str]:
    yield (
        f"{workloads.STREAMS} connections fetch the whole list again and again; one more reads single "
        f"organizations, pausing {workloads.POINT_READ_PAUSE * 1000:.0f} ms after each."
    )
    yield ""
    yield "| contender | MB/s | memory idle MB (RSS) | at its peak MB | point read beside it, p50 ms |"
    yield "|---|--:|--:|--:|--:|"
    for (workload, name), median in medians.items():
        if workload == workloads.ALL:
            idle = findings.contenders[name].rss_idle / MB
            rate, peak = median.bytes_per_second / MB, median.rss_peak / MB
            yield f"| {name} | {rate:.1f} | {idle:.0f} | {peak:.0f} | {milliseconds(median.point_read_p50_ms)} |"
    yield ""


def large_operations(larges: Sequence[Large]) -> Iterator[str]:
    if not larges:
        return
    yield "## Large operations"
    yield ""
    yield (
        "Of Retainer alone, once, on the tenant of 10,000 organizations. Seconds until the answer; the rest "
        "for each row: processor time, and rows that PostgreSQL read by scanning whole tables."
    )
    yield ""
    yield "| operation | rows | status | seconds | total µs | server µs | PostgreSQL µs | scanned |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for each in larges:
        costs = f"{each.total_us:,.0f} | {each.server_us:,.0f} | {each.postgres_us:,.0f}"
        yield (
            f"| {each.what} | {each.rows:,} | {each.status} | {each.seconds:.1f} | {costs} | "
            f"{each.scanned:.2f} |"
        )
    yield ""


def behind(medians: Medians) -> Iterator[str]:
    """Every figure by which a peer is ahead of Retainer, whether a bar names it or not."""
    found = [line for workload in workloads.NAMES for line in behind_in(workload, medians)]
    if found:
        yield "## Where Retainer is behind"
        yield ""
        yield from found
        yield ""


def behind_in(workload: str, medians: Medians) -> Iterator[str]:
    own = medians.get((workload, RETAINER))
    if own is None:
        return
    for (which, name), peer in medians.items():
        if which != workload or name in (RETAINER, BEFORE, *limit.NAMES):
            continue
        ahead = []
        if peer.total_us < own.total_us:
            ahead.append(f"{peer.total_us:,.0f} µs in total, Retainer {own.total_us:,.0f}")
        if peer.rate > own.rate:
            ahead.append(f"{peer.rate:,.0f} requests/s, Retainer {own.rate:,.0f}")
        if peer.p99_ms and own.p99_ms and peer.p99_ms < own.p99_ms:
            ahead.append(f"p99 {peer.p99_ms:.1f} ms, Retainer {own.p99_ms:.1f}")
        if ahead:
            yield f"- {workload}: {name} has {'; '.join(ahead)}"


def judged(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield "## Against the bars"
    yield ""
    if not verdicts:
        yield "None was measured: Retainer or everyone else is missing from this run."
        yield ""
        return
    yield "| held to | what | measured | bar | |"
    yield "|---|---|--:|--:|---|"
    for each in verdicts:
        outcome = "met" if each.met else "**missed**"
        yield f"| {each.name} | {each.what} | {each.figure} | {each.bar} | {outcome} |"
    yield ""


def machine(findings: Findings) -> Iterator[str]:
    yield "## What ran"
    yield ""
    for name, value in findings.facts.items():
        yield f"- {name}: {value}"
    for each in findings.contenders.values():
        yield f"- {each.name}: {each.version}; idle {each.pss_idle / MB:.0f} MB (PSS, without PostgreSQL)"


def medians_of(samples: Sequence[Sample]) -> Medians:
    """One Sample per workload and contender, each number the median of its own over the rounds."""
    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.workload, sample.contender), []).append(sample)
    return {key: median_of(group) for key, group in sorted(groups.items(), key=order)}


def median_of(group: Sequence[Sample]) -> Sample:
    changed: dict[str, float] = {}
    for field in fields(Sample):
        numbers = [
            value for each in group if isinstance(value := getattr(each, field.name), int | float)
        ]
        if numbers:
            changed[field.name] = statistics.median(numbers)
    return replace(group[0], **changed)  # type: ignore[arg-type]  # the numeric fields only


def order(item: tuple[tuple[str, str], list[Sample]]) -> tuple[int, float]:
    """The workloads in their order, the limit first, then the cheapest."""
    (workload, name), group = item
    cost = 0.0 if name in limit.NAMES else statistics.median(sample.total_us for sample in group)
    return workloads.NAMES.index(workload), cost


def milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
