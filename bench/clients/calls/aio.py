"""The thirteen operations by aiohttp, which names a media type where it sends no body."""

import asyncio
import os

import aiohttp

API = os.environ["RETAINER_API"]


async def main() -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:

        async def ask(method: str, path: str, status: int = 200, **options: object) -> object:
            async with session.request(method, API + path, **options) as answer:  # type: ignore[arg-type]
                text = await answer.text()
                assert answer.status == status, (method, path, answer.status, text)
                return await answer.json() if text else None

        login = {"username": "ada@example.com", "password": "quiet-ledger-2026"}
        await ask("POST", "/login", json=login)
        made = await ask("POST", "/organizations", json={"name": "Thirteen", "type": "customer"})
        assert isinstance(made, dict)
        path = f"/organizations/{made['id']}"
        read = await ask("GET", path)
        assert isinstance(read, dict)
        await ask("PUT", path, json=read | {"name": "Thirteen again"})
        copy = await ask("POST", f"{path}/duplicate", data=b"")
        assert isinstance(copy, dict)
        for list in ("tasks", "projects", "documents"):
            assert await ask("GET", f"{path}/{list}") == []
        await ask("POST", f"{path}/members", json={"contactId": 1, "role": "member"})
        await ask("PATCH", f"{path}/members/1", json={"role": "stakeholder"})
        assert len(await ask("GET", f"{path}/members")) == 1  # type: ignore[arg-type]
        await ask("DELETE", f"{path}/members/1", 204, data=b"")
        await ask("DELETE", f"/organizations/{copy['id']}", 204)
        await ask("DELETE", path, 204)
        assert await ask("GET", "/organizations")
        await ask("POST", "/logout", 204, data=b"")


asyncio.run(main())
print("13 of 13")
