"""The users whom a record may name: as the assignee of a task, as the owner of an organization."""

# {} stands for the id.
NAMEABLE = """SELECT u.id FROM users u
    WHERE u.tenant_id = :tenant AND u.id = {} AND u.is_active AND @visible_users"""
NOT_NAMEABLE = (
    "there is no such user, or they are disabled or not yours to name; see GET /api/users/names"
)
