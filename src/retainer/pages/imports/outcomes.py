"""Words of imports: their states, and the outcomes of their rows."""

from collections.abc import Mapping

from retainer.exchange.imports.model import ImportNoun, ImportState, RowOutcome
from retainer.pages.formatting import join_words, label, number

NOUNS: Mapping[str, str] = {noun.value: label(noun.value) for noun in ImportNoun}
# The word of a state, and its colour.
STATES: Mapping[str, tuple[str, str]] = {
    ImportState.UPLOADED: ("waiting", "neutral"),
    ImportState.PLANNING: ("planning", "info"),
    ImportState.PLANNED: ("ready to run", "info"),
    ImportState.RUNNING: ("running", "info"),
    ImportState.DONE: ("done", "ok"),
    ImportState.UNDONE: ("taken back", "neutral"),
    ImportState.FAILED: ("failed", "warn"),
    ImportState.CANCELLED: ("cancelled", "neutral"),
}
# The words of an outcome before the run and after it, and its colour.
OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    RowOutcome.CREATE: ("add", "added", "ok"),
    RowOutcome.UPDATE: ("change", "changed", "info"),
    RowOutcome.DUPLICATE: ("possible duplicate", "possible duplicate", "warn"),
    RowOutcome.REFUSED: ("refused", "refused", "danger"),
    RowOutcome.UNCHANGED: ("no change", "no change", "neutral"),
    RowOutcome.SKIP: ("left out", "left out", "neutral"),
}
LEFT_OUT = (RowOutcome.REFUSED, RowOutcome.DUPLICATE, RowOutcome.SKIP)


def sum_of(counts: Mapping[str, int], *, is_done: bool) -> str:
    """The deeds of a run in words: "Add 100, change 20; 3 rows are left out"."""
    place = int(is_done)
    written = [
        f"{OUTCOMES[outcome][place]} {number(counts[outcome])}"
        for outcome in (RowOutcome.CREATE, RowOutcome.UPDATE)
        if counts.get(outcome)
    ]
    nothing = ("nothing to add or change", "nothing was added or changed")[place]
    parts = [label(", ".join(written) or nothing)]
    if same := counts.get(RowOutcome.UNCHANGED):
        parts.append(f"{rows(same)} {_as_they_are(same)} already")
    if left := sum(counts.get(outcome, 0) for outcome in LEFT_OUT):
        parts.append(f"{rows(left)} {_are(left)} left out")
    return "; ".join(parts)


def found_in(counts: Mapping[str, int]) -> str:
    """The outcomes of an import in a line of the list: "100 add, 20 change"."""
    told = [
        f"{number(counts[each])} {of_outcome(each, counts[each], is_done=False)}"
        for each in OUTCOMES
        if counts.get(each)
    ]
    return join_words(told, "")


def of_outcome(outcome: str, count: int, is_done: bool) -> str:
    """The word behind a number of rows with an outcome."""
    plural = "s" if outcome == RowOutcome.DUPLICATE and count != 1 else ""
    return OUTCOMES[outcome][int(is_done)] + plural


def rows(count: int) -> str:
    """A number of rows."""
    if count == 1:
        return "1 row"
    return f"{number(count)} rows"


def _are(count: int) -> str:
    if count == 1:
        return "is"
    return "are"


def _as_they_are(count: int) -> str:
    if count == 1:
        return "is as it is"
    return "are as they are"
