"""The conditions under which an operation can be undone, as SQL. The aliases are c, a change, op,
its operation, and l, a later change of the same record.
"""

from retainer.journal.entities import LINKS, UNDO_RULES
from retainer.nouns import NOUNS
from retainer.permissions import PERMISSIONS, Role

# Later work on the same record (l). What was undone does not count, nor the operation that undid
# it: together they left the record as it was. Nor does what took back other changes of the
# operation.
LATER = """l.tenant_id = :tenant AND l.entity = c.entity AND l.entity_id = c.entity_id
    AND l.version > c.version AND l.operation_id <> :undone
    AND NOT is_undone(:tenant, l.operation_id)
    AND l.sequence <> ALL (taken_back(:tenant, l.operation_id))
    AND coalesce((SELECT lo.undoes FROM operations lo
        WHERE lo.tenant_id = :tenant AND lo.id = l.operation_id), 0) < :undone"""
# A role that may delete undoes creations, deletions and restorations; one that may change, the
# rest.
IS_CHANGE = "(c.action = 'update' AND NOT c.after ? 'deleted_by')"
# The first version of a file is undone together with its document. Later versions and users are
# evidence, and are kept.
_FIRST = "".join(
    f""" OR (c.entity = '{link.table}' AND EXISTS (SELECT FROM changes made
        WHERE made.tenant_id = :tenant AND made.operation_id = c.operation_id
        AND made.entity = '{noun.table}' AND made.action = 'insert'
        AND made.entity_id = (c.after ->> '{link.own_column}')::bigint))"""
    for noun, link in LINKS
    if not link.is_undoable
)
IS_UNDOABLE = f"(c.entity = ANY('{{{', '.join(UNDO_RULES)}}}'::text[]){_FIRST})"
# Beyond the permission: a change of somebody else's view is undone by those who may change that
# view.
_YOURS = " AND ".join(
    f"""(c.entity <> '{noun.table}' OR EXISTS (SELECT FROM {noun.table} {noun.alias}
    WHERE {noun.alias}.tenant_id = :tenant AND {noun.alias}.id = c.entity_id
        AND {noun.changeable}))"""
    for noun in NOUNS.values()
    if noun.changeable != "true"
)
IS_YOURS = f"({_YOURS or 'true'})"


def _allowed(role: Role) -> str:
    """The changes that a role may undo, as a WHEN with an array: {tasks true, tasks false …}, where
    true stands for updates and false for the rest.
    """
    words = [f"{link.table} false" for _, link in LINKS if not link.is_undoable]
    for table, rule in UNDO_RULES.items():
        rules = ((rule.change, "true"), (rule.existence, "false"))
        words += [
            f"{table} {is_update}"
            for permission, is_update in rules
            if role in PERMISSIONS[permission].roles
        ]
    return f"WHEN '{role.value}' THEN '{{{', '.join(words)}}}'::text[]"


_MAY = f"""c.entity || ' ' || {IS_CHANGE} = ANY(
    CASE :viewer_role::text {" ".join(map(_allowed, Role))} END)"""
OF_OPERATION = "c.tenant_id = :tenant AND c.operation_id = op.id"
UNDONE_BY = """(SELECT u.id FROM operations u
    WHERE u.tenant_id = :tenant AND u.undoes = op.id AND u.undoes_changes IS NULL)"""
# What is left of it to undo: without the changes that were taken back singly.
_LEFT = f"{OF_OPERATION} AND c.sequence <> ALL ((SELECT taken_back(:tenant, op.id))::int[])"
# Staff, who do not see everything, undo only their own operations.
CAN_UNDO = f"""(op.outcome = 'done' AND {UNDONE_BY} IS NULL
    AND (op.actor_id = :user OR :viewer_role::text <> 'staff')
    AND EXISTS (SELECT FROM changes c WHERE {_LEFT})
    AND NOT EXISTS (SELECT FROM changes c WHERE {_LEFT}
        AND (NOT ({_MAY}) OR NOT {IS_UNDOABLE} OR NOT (@visible_records)
            OR NOT {IS_YOURS}
            OR EXISTS (SELECT FROM changes l WHERE {LATER.replace(":undone", "op.id")}))))"""
