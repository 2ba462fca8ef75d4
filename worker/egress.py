"""The one way out for activities: an HTTP client that reaches no address of the inner network."""

import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import cast

import anyio
import httpcore2
import httpx2

from activities.errors import EgressDenied
from runtime.tracing import Tracing
from worker.traced_http import TracedTransport

Network = IPv4Network | IPv6Network

# Written out from IANA's special-purpose registries: what `ipaddress` calls global differs between Python versions.
_INNER_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata, though the address is public
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_OUTER_IPV6 = IPv6Network("2000::/3")
"""All that is handed out to the world. IPv4-mapped, NAT64, unique-local, link-local and multicast lie outside."""
_INNER_IPV6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo among others
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)


def client(allow: Sequence[Network] = (), tracing: Tracing | None = None) -> httpx2.AsyncClient:
    """Make the client that all activities of a process share; `allow` lists inner networks that they may reach."""
    transport = httpx2.AsyncHTTPTransport(verify=_trusted(), trust_env=False)
    # The transport has no public place for a network backend; its pool has. Pinned in pyproject.toml, kept by a test.
    transport._pool = httpcore2.AsyncConnectionPool(  # pyright: ignore[reportPrivateUsage]
        ssl_context=_trusted(),
        network_backend=_Guard(tuple(allow)),
        max_connections=None,  # the worker bounds how many activities run
        max_keepalive_connections=100,
        keepalive_expiry=4.0,  # below what servers keep, so that none hangs up on a request just sent
    )
    return httpx2.AsyncClient(
        transport=transport if tracing is None else TracedTransport(transport, tracing.tracer),
        trust_env=False,  # neither a proxy nor a .netrc
        headers={"User-Agent": "perdure"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # or one tenant's session would be sent for another
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Whom it believes: reading all those certificates takes longer than anything else here."""
    return httpx2.create_ssl_context(trust_env=False)


def permitted(address: IPv4Address | IPv6Address, allow: Iterable[Network] = ()) -> bool:
    """Tell whether an activity may connect to an address."""
    plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    if any(plain in network or address in network for network in allow):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INNER_IPV4)
    return address in _OUTER_IPV6 and not any(address in network for network in _INNER_IPV6)


class _Guard(httpcore2.AsyncNetworkBackend):
    """Resolves a name once, checks every address, and connects to a checked one; so for each redirect again."""

    def __init__(self, allow: tuple[Network, ...]):
        self._allow = allow
        self._network = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of a host that answers, if all of them are permitted."""
        try:
            with anyio.fail_after(timeout):
                addresses = await _addresses(host, port)
                if not all(permitted(address, self._allow) for address in addresses):
                    raise _denied(host)
                share = timeout and timeout / len(addresses)
                for address in addresses[:-1]:
                    with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                        return await self._network.connect_tcp(str(address), port, share, local_address, socket_options)
                return await self._network.connect_tcp(str(addresses[-1]), port, share, local_address, socket_options)
        except TimeoutError as late:
            raise httpcore2.ConnectTimeout from late

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: nothing behind a socket file is for activities."""
        raise EgressDenied

    async def sleep(self, seconds: float) -> None:
        """Wait, as the pool asks between its tries."""
        await anyio.sleep(seconds)


async def _addresses(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    if "%" in host:
        raise _denied(host)  # a zone id names an interface of this machine
    try:
        return [ip_address(host)]
    except ValueError:
        pass
    if _numeric(host):
        raise _denied(host)  # 0x7f.1, 2130706433, 0177.0.0.1: spellings that only a disguise needs
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as unknown:
        raise httpcore2.ConnectError from unknown
    return [ip_address(address.partition("%")[0]) for address in dict.fromkeys(entry[4][0] for entry in found)]


def _denied(host: str) -> EgressDenied:
    return EgressDenied(
        f"`{host}` is in a network that steps may not reach; an operator can allow it with PERDURE_EGRESS_ALLOW."
    )


def _numeric(host: str) -> bool:
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError):
        return False
    return True
