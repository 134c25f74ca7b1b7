"""Peer: FastAPI with SQLAlchemy's async ORM over asyncpg, the session cached in the process."""

import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Cookie, Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import DateTime, FetchedValue, ForeignKey, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

CACHED_SECONDS = 60.0
SESSION_HOURS = 12

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    """The tables as they stand in schema.sql."""


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]
    username: Mapped[str]
    role: Mapped[str]


class SignIn(Base):
    __tablename__ = "sessions"

    sid: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Organization(Base):
    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]
    name: Mapped[str]
    type: Mapped[str]
    status: Mapped[str]
    industry: Mapped[str | None]
    website: Mapped[str | None]
    description: Mapped[str | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue()
    )
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue()
    )


class NewOrganization(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=300)]
    type: Literal["customer", "prospect", "partner", "vendor", "internal", "other"]
    status: Literal["active", "inactive", "archived"] = "active"
    industry: Annotated[str, Field(max_length=300)] | None = None
    website: Annotated[str, Field(max_length=2000)] | None = None
    description: Annotated[str, Field(max_length=20000)] | None = None
    metadata: dict[str, Any] | None = None


class OrganizationOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, alias_generator=to_camel)

    id: int
    name: str
    type: str
    status: str
    industry: str | None
    website: str | None
    description: str | None
    metadata: dict[str, Any] | None = Field(
        validation_alias="metadata_", serialization_alias="metadata"
    )
    created_at: datetime = Field(validation_alias="created_at")
    updated_at: datetime = Field(validation_alias="updated_at")


class Login(BaseModel):
    username: str
    password: str


class Viewer(BaseModel):
    id: int
    tenant_id: int
    role: str


cached: dict[str, tuple[Viewer, float]] = {}


async def database() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database)]


async def viewer(
    db: Database, sid: Annotated[str | None, Cookie(alias="connect.sid")] = None
) -> Viewer:
    """The signed-in user, from the process's cache for up to CACHED_SECONDS."""
    if sid is None:
        raise HTTPException(401, "Sign in first")
    known = cached.get(sid)
    if known is not None and known[1] > time.monotonic():
        return known[0]
    user = await user_of(db, sid)
    if user is None:
        cached.pop(sid, None)
        raise HTTPException(401, "Sign in first")
    found = Viewer(id=user.id, tenant_id=user.tenant_id, role=user.role)
    cached[sid] = (found, time.monotonic() + CACHED_SECONDS)
    return found


async def user_of(db: AsyncSession, sid: str) -> User | None:
    query = select(User).join(SignIn, SignIn.user_id == User.id)
    return await db.scalar(query.where(SignIn.sid == sid, SignIn.expires_at > func.now()))


SignedIn = Annotated[Viewer, Depends(viewer)]


def allowed(*roles: str) -> Callable[[Viewer], Awaitable[Viewer]]:
    async def check(user: SignedIn) -> Viewer:
        if user.role not in roles:
            raise HTTPException(403, "Not allowed")
        return user

    return check


@app.post("/api/login")
async def login(body: Login, response: Response, db: Database) -> dict[str, int | str]:
    user = await db.scalar(select(User).where(User.username == body.username))
    if user is None:
        raise HTTPException(401, "Wrong username or password")
    sid = secrets.token_urlsafe(24)
    expires = datetime.now().astimezone() + timedelta(hours=SESSION_HOURS)
    db.add(SignIn(sid=sid, user_id=user.id, expires_at=expires))
    await db.commit()
    response.set_cookie("connect.sid", sid, httponly=True, samesite="lax")
    return {"id": user.id, "role": user.role}


@app.get("/api/organizations", response_model=list[OrganizationOut])
async def organizations(user: SignedIn, db: Database) -> Any:
    query = (
        select(Organization)
        .where(Organization.tenant_id == user.tenant_id)
        .order_by(Organization.name)
    )
    return (await db.scalars(query)).all()


@app.get("/api/organizations/{organization_id}", response_model=OrganizationOut)
async def organization(organization_id: int, user: SignedIn, db: Database) -> Any:
    query = select(Organization).where(
        Organization.tenant_id == user.tenant_id, Organization.id == organization_id
    )
    found = await db.scalar(query)
    if found is None:
        raise HTTPException(404, "No such organization")
    return found


@app.post("/api/organizations", response_model=OrganizationOut)
async def create(
    body: NewOrganization,
    user: Annotated[Viewer, Depends(allowed("admin", "consultant"))],
    db: Database,
) -> Any:
    values = body.model_dump()
    created = Organization(tenant_id=user.tenant_id, metadata_=values.pop("metadata"), **values)
    db.add(created)
    await db.commit()
    return created
