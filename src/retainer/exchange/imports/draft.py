"""A row of an import on its way to an outcome."""

from collections.abc import Iterable

import msgspec

from retainer.database.database import Values
from retainer.errors import FieldError
from retainer.exchange.imports.model import RowOutcome

WRITTEN = (RowOutcome.CREATE, RowOutcome.UPDATE)


class Draft(msgspec.Struct):
    """A row on its way to an outcome; encoded, it is a row of `import_rows`."""

    n: int
    cells: list[str]
    decision: Values | None = None
    outcome: RowOutcome = RowOutcome.CREATE
    target_id: int | None = None
    body: Values = {}
    changes: list[Values] = []
    problems: list[dict[str, str]] = []
    candidates: list[Values] = []

    def refuse(self, *problems: FieldError) -> None:
        """Refuse it, for these reasons."""
        self.outcome = RowOutcome.REFUSED
        self.problems += [{"field": one.field, "message": one.message} for one in problems]

    def warn(self, problem: FieldError) -> None:
        """Tell something of it that keeps it from nothing."""
        self.problems.append({"field": problem.field, "message": problem.message})

    @property
    def is_open(self) -> bool:
        """True while nothing has refused or skipped it."""
        return self.outcome in WRITTEN


def rows_of(drafts: Iterable[Draft]) -> list[Values]:
    """The rows of `import_rows`."""
    return [msgspec.to_builtins(draft) for draft in drafts]


def draft_of(row: Values, decision: Values | None = None) -> Draft:
    """A row as it is kept; with a decision, to be planned anew."""
    if decision is not None:
        return Draft(row["n"], list(row["cells"]), decision=decision)
    return Draft(
        row["n"],
        list(row["cells"]),
        decision=row["decision"] and msgspec.json.decode(row["decision"]),
        outcome=RowOutcome(row["outcome"]),
        target_id=row["target_id"],
        body=msgspec.json.decode(row["body"] or "{}"),
    )
