"""The bars of the bench: what is compared, and when a bar is met."""

import pytest

from bench import bars, limit, report, workloads
from bench.large import Large
from bench.rounds import Sample


def sample(name: str, workload: str, server: float, postgres: float, rate: float = 1000) -> Sample:
    return Sample(name, workload, server, postgres, rate, p50_ms=1.0, p99_ms=2.0, busy=0.9)


def verdicts(*samples: Sample, larges: tuple[Large, ...] = ()) -> dict[str, bars.Verdict]:
    found = bars.verdicts(report.medians_of(samples), {}, larges, None)
    return {f"{each.name} | {each.what}": each for each in found}


def test_a_peer_is_compared_by_the_time_of_server_and_postgresql_together() -> None:
    own = sample("retainer", workloads.LIST50, server=100, postgres=400)
    # Half as dear again for its server, and cheaper in all.
    peer = sample("fastify", workloads.LIST50, server=150, postgres=50)
    (found,) = verdicts(own, peer).values()
    assert (found.figure, found.bar, found.met) == ("0.40 times", "≥ 1.2 times", False)


@pytest.mark.parametrize(
    ("peer", "workload", "times", "met"),
    [
        ("express", workloads.CREATE, 1.0, True),
        ("express", workloads.LIST50, 1.9, False),
        ("fastify", workloads.CREATE, 0.4, True),
        ("fastify", workloads.MIX, 0.89, False),
        ("fastify-duties", workloads.ONE, 1.0, False),
        ("fastify-duties", workloads.ONE, 1.01, True),
        ("fastify-duties", workloads.MIX, 1.29, False),
        ("fastapi", workloads.ONE, 5.0, True),
        ("directus", workloads.CREATE, 19.9, False),
    ],
)
def test_each_peer_has_its_bar_for_each_workload(
    peer: str, workload: str, times: float, met: bool
) -> None:
    own, other = sample("retainer", workload, 50, 50), sample(peer, workload, 100 * times, 0)
    (found,) = verdicts(own, other).values()
    assert found.met is met, found


@pytest.mark.parametrize(
    ("workload", "bare", "most"),
    [(workloads.LIST50, limit.BARE_ROWS, 2.5), (workloads.CREATE, limit.BARE_INSERT, 3.0)],
)
def test_only_the_time_of_postgresql_is_held_against_the_bare_statement(
    workload: str, bare: str, most: float
) -> None:
    least = sample(bare, workload, server=1, postgres=40)
    for postgres, met in ((40 * most, True), (40 * most + 1, False)):
        (found,) = verdicts(sample("retainer", workload, 900, postgres), least).values()
        assert found.met is met, found


def test_pages_are_counted_by_the_processor_time_of_both_as_well() -> None:
    found = verdicts(sample("retainer", workloads.PAGES, server=1600, postgres=900))
    assert [(each.figure, each.met) for each in found.values()] == [("625", True), ("400", False)]


def test_a_large_operation_has_to_succeed_to_grow_with_its_size_and_to_read_no_table_anew() -> None:
    small = Large("deletion", 10_000, 204, 1.0, server_us=10, postgres_us=90, scanned=0.0)
    large = Large("deletion", 50_000, 503, 9.0, server_us=10, postgres_us=150, scanned=3.5)
    found = list(verdicts(larges=(small, large)).values())
    assert [(each.figure, each.met) for each in found] == [
        ("503 after 9.0 s", False),
        ("1.60 times", False),
        ("3.50", False),
    ]
    silent = small._replace(rows=50_000, status=0, seconds=120)
    found = list(verdicts(larges=(small, silent)).values())
    assert (found[0].figure, found[0].met) == ("no answer after 120.0 s", False)
    found = list(verdicts(larges=(small, small._replace(rows=50_000))).values())
    assert [each.met for each in found] == [True, True, True]


def test_the_report_names_each_figure_by_which_a_peer_is_ahead() -> None:
    samples = [
        sample("retainer", workloads.ONE, 50, 30, rate=900),
        sample("fastify", workloads.ONE, 90, 30, rate=1200),
        sample("express", workloads.ONE, 90, 30, rate=700),
        sample(limit.NAME, workloads.ONE, 5, 5, rate=9000),
    ]
    assert list(report.behind(report.medians_of(samples)))[2:-1] == [
        "- one: fastify has 1,200 requests/s, Retainer 900"
    ]
