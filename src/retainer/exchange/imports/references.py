"""Records that rows name: by id, by what another system calls them, by address or by name."""

from collections.abc import Mapping, Sequence

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.errors import FieldError
from retainer.exchange.imports.draft import Draft
from retainer.exchange.imports.model import ColumnMapping
from retainer.exchange.imports.targets import Target

# By noun: the records that each of :values names, the surest way first (`rank`). A record that the
# viewer does not see is none.
_NAMED = {
    "organizations": """
        SELECT v.value AS key, o.id, CASE WHEN o.external_id = v.value THEN 1 ELSE 2 END AS rank
        FROM unnest(:values::text[]) v(value) JOIN organizations o
            ON o.tenant_id = :tenant AND o.deleted_by IS NULL
            AND o.id = ANY(ARRAY(
                SELECT e.id FROM organizations e
                WHERE e.tenant_id = :tenant AND e.external_id = v.value AND e.deleted_by IS NULL
                UNION ALL
                SELECT n.id FROM organizations n
                WHERE n.tenant_id = :tenant AND n.name_folded = fold(v.value)
                    AND n.deleted_by IS NULL))
        WHERE @visible_organizations""",
    "contacts": """
        SELECT v.value AS key, c.id,
            CASE WHEN c.email_folded = fold(v.value) THEN 1 ELSE 2 END AS rank
        FROM unnest(:values::text[]) v(value) JOIN contacts c
            ON c.tenant_id = :tenant AND c.deleted_by IS NULL
            AND c.id = ANY(ARRAY(
                SELECT e.id FROM contacts e
                WHERE e.tenant_id = :tenant AND e.email_folded = fold(v.value)
                    AND e.deleted_by IS NULL
                UNION ALL
                SELECT n.id FROM contacts n
                WHERE n.tenant_id = :tenant AND n.full_name_folded = fold(v.value)
                    AND n.deleted_by IS NULL))
        WHERE @visible_contacts""",
    "users": """
        SELECT v.value AS key, u.id,
            CASE WHEN lower(u.username) = lower(v.value) THEN 1 ELSE 2 END AS rank
        FROM unnest(:values::text[]) v(value) JOIN users u
            ON u.tenant_id = :tenant AND u.is_active
            AND (lower(u.username) = lower(v.value) OR fold(u.full_name) = fold(v.value))
        WHERE @visible_users""",
    "projects": """
        SELECT v.value AS key, p.id, 1 AS rank
        FROM unnest(:values::text[]) v(value) JOIN projects p
            ON p.tenant_id = :tenant AND p.deleted_by IS NULL AND p.title_folded = fold(v.value)
        WHERE @visible_projects""",
}
NAMED = {noun: Statement(text) for noun, text in _NAMED.items()}
AMBIGUOUS = "names several records; put its id, or what another system calls it"


class Resolver:
    """Puts ids for what rows say of other records."""

    def __init__(
        self, db: Db, target: Target, columns: Sequence[ColumnMapping | None], *, takes_ids: bool
    ) -> None:
        self.db = db
        self.takes_ids = takes_ids
        self.columns = [
            (place, mapped, target.fields[mapped.field])
            for place, mapped in enumerate(columns)
            if mapped is not None
            and mapped.field in target.fields
            and target.fields[mapped.field].refers_to in NAMED
        ]

    async def resolve(self, drafts: list[Draft]) -> None:
        """Put the ids into the bodies; refuse rows whose record must be there and is not."""
        for place, mapped, field in self.columns:
            typed = {draft.n: self._typed(draft, place, mapped) for draft in drafts}
            named = {text for text in typed.values() if text and not self._is_id(text, mapped)}
            found = await self._find(field.refers_to, sorted(named))
            for draft in drafts:
                text = typed[draft.n]
                if not text:
                    continue
                if self._is_id(text, mapped):
                    draft.body[field.name] = int(text)
                    continue
                ids = found.get(text, [])
                if len(ids) == 1:
                    draft.body[field.name] = ids[0]
                    continue
                words = AMBIGUOUS if ids else f"“{text[:80]}” is no record that is there"
                if field.is_required or field.refers_to != "users":
                    draft.refuse(FieldError(field.name, words))
                else:
                    draft.warn(FieldError(field.name, f"{words}; it is left empty"))

    def _typed(self, draft: Draft, place: int, mapped: ColumnMapping) -> str:
        text = draft.cells[place].strip() if place < len(draft.cells) else ""
        if text and mapped.prefix and not text.startswith(mapped.prefix):
            text = mapped.prefix + text
        return text or mapped.default or ""

    def _is_id(self, text: str, mapped: ColumnMapping) -> bool:
        return text.isdecimal() and len(text) <= 15 and (self.takes_ids or mapped.confirmed)

    async def _find(self, noun: str, named: list[str]) -> Mapping[str, list[int]]:
        """The ids of the records that each text names, of those the surest."""
        if not named:
            return {}
        best: dict[str, tuple[int, list[int]]] = {}
        for row in await self.db.rows(NAMED[noun], values=named):
            rank, ids = best.get(row["key"], (9, []))
            if row["rank"] < rank:
                best[row["key"]] = (row["rank"], [row["id"]])
            elif row["rank"] == rank:
                ids.append(row["id"])
        return {key: ids for key, (_, ids) in best.items()}
