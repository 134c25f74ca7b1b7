"""Places for the connections of clients: fewer than open files, and for each network a share.

A connection on which somebody has signed in keeps its place. Where places are missing, a new client
takes that of the oldest other one: of its own network when that has its share, else of the network
that has most of them. So those who only hold connections keep nobody out.

Behind a trusted proxy a request's network is that of the client whom the proxy names. The proxy's
own connections are of no network while they wait for a request.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from retainer.config import Network, Settings
from retainer.errors import Overloaded
from retainer.http.headers import is_proxy
from retainer.identity.sessions.throttle import network
from retainer.server import limits

WARN_SECONDS = 60.0  # between two warnings
NO_NETWORK = ""


class Client(Protocol):
    """A connection that may lose its place."""

    def give_way(self) -> None:
        """End soon: its place is taken."""


class Connections:
    """All connections of a process: at most `most`, of one network at most `of_network`."""

    def __init__(
        self, most: int, of_network: int, proxies: Sequence[Network] = (), now: float = 0.0
    ) -> None:
        self.most = most
        self.of_network = of_network
        self.proxies = proxies
        self.network_of: dict[Client, str] = {}
        self.sizes: Counter[str] = Counter()
        # Those on which nobody has signed in, by network, the oldest first.
        self.unknown: dict[str, dict[Client, None]] = {}
        self.warned = now - WARN_SECONDS
        self.files = limits.OpenConnections()

    @classmethod
    def of(cls, settings: Settings, proxies: Sequence[Network]) -> "Connections":
        """The places that settings and the system's limit of open files allow."""
        most = min(settings.connections, max(1, limits.OpenConnections().most))
        return cls(most, min(settings.network_connections, most), proxies)

    def is_proxy(self, address: str) -> bool:
        """True for a trusted proxy."""
        return is_proxy(address, self.proxies)

    def enter(self, client: Client, address: str, now: float) -> None:
        """Give a place to a new connection from an address. Raises Overloaded when none can be had:
        those who have signed in hold them all.
        """
        if len(self.network_of) >= self.most:
            self._make_room(max(self.unknown, key=self._unknown_of, default=NO_NETWORK), now)
        self.network_of[client] = NO_NETWORK
        self.files.count(len(self.network_of), now)
        if not self.is_proxy(address):
            try:
                self.move(client, address, now)
            except Overloaded:
                self.leave(client)
                raise

    def move(self, client: Client, address: str, now: float) -> None:
        """Count a connection for the network of an address, with nobody signed in on it yet. Raises
        Overloaded when those who have signed in hold the network's whole share.
        """
        if client not in self.network_of:  # it gave way, and its end is near
            return
        self.release(client)
        name = network(address)
        if self.sizes[name] >= self.of_network:
            self._make_room(name, now)
        self.network_of[client] = name
        self.sizes[name] += 1
        self.unknown.setdefault(name, {})[client] = None

    def know(self, client: Client, *, is_signed_in: bool) -> None:
        """Note whether somebody is signed in on this connection. If so it gives way to nobody."""
        name = self.network_of.get(client, NO_NETWORK)
        if is_signed_in:
            if name in self.unknown:
                self._remove_unknown(client, name)
        elif name != NO_NETWORK:
            self.unknown.setdefault(name, {}).setdefault(client)

    def release(self, client: Client) -> None:
        """Count a connection for no network, as between two requests of a proxy."""
        name = self.network_of.get(client, NO_NETWORK)
        if name == NO_NETWORK:
            return
        self._remove_unknown(client, name)
        self.network_of[client] = NO_NETWORK
        self.sizes[name] -= 1
        if not self.sizes[name]:
            del self.sizes[name]

    def leave(self, client: Client) -> None:
        """The connection has ended."""
        self.release(client)
        self.network_of.pop(client, None)

    def _unknown_of(self, name: str) -> int:
        return len(self.unknown[name])

    def _make_room(self, name: str, now: float) -> None:
        if now - self.warned >= WARN_SECONDS:
            self.warned = now
            logging.getLogger("retainer.connections").warning(
                "%d clients are connected, %d of them from %s: the oldest ones that have not signed"
                " in give way (RETAINER_CONNECTIONS, RETAINER_NETWORK_CONNECTIONS)",
                len(self.network_of),
                self.sizes[name],
                name or "proxies",
            )
        oldest = next(iter(self.unknown.get(name, ())), None)
        if oldest is None:
            raise Overloaded
        self.leave(oldest)
        oldest.give_way()

    def _remove_unknown(self, client: Client, name: str) -> None:
        clients = self.unknown.get(name, {})
        clients.pop(client, None)
        if not clients:
            self.unknown.pop(name, None)
