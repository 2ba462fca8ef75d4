"""The egress guard: what is inner stays out of reach, and is not even tried."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import anyio
import httpcore2
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.errors import EgressDenied
from tests.activities.http_server import Request, reply, serving
from worker import egress
from worker.egress import Network, permitted

LOOPBACK = (ip_network("127.0.0.0/8"),)

INNER = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # Alibaba's metadata
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",  # Azure's
    "169.254.169.254",  # nearly everybody's
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # Oracle's
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # Amazon's
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
OUTER = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255"]
OUTER_IPV6 = ["2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450:4001::1", "2003::1"]


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_not_permitted(address: str) -> None:
    assert not permitted(ip_address(address))


@pytest.mark.parametrize("address", [*OUTER, *OUTER_IPV6])
def test_an_outer_address_is_permitted(address: str) -> None:
    assert permitted(ip_address(address))


@given(st.ip_addresses())
def test_nothing_that_python_calls_inner_is_permitted(address: IPv4Address | IPv6Address) -> None:
    if permitted(address):
        assert not address.is_private
        assert not address.is_multicast
        assert not address.is_reserved
        assert address.is_global


@given(st.ip_addresses(v=4))
def test_no_ipv6_dress_lets_an_ipv4_address_through(inner: IPv4Address) -> None:
    number = int(inner)
    dresses = [
        IPv6Address(number),
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x0064FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ]
    assert not any(permitted(dress) for dress in dresses)


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_listed_network_is_permitted_and_opens_nothing_else(address: IPv4Address | IPv6Address, shorter: int) -> None:
    network: Network = (
        IPv4Network((address, 32 - shorter), strict=False)
        if isinstance(address, IPv4Address)
        else IPv6Network((address, 128 - shorter), strict=False)
    )
    assert permitted(address, [network])
    for other in map(ip_address, INNER):
        plain = other.ipv4_mapped or other if isinstance(other, IPv6Address) else other
        assert permitted(other, [network]) == (other in network or plain in network)


def test_a_listed_network_is_reached_in_mapped_form_too() -> None:
    assert permitted(ip_address("::ffff:127.0.0.1"), LOOPBACK)
    assert not permitted(ip_address("::127.0.0.1"), LOOPBACK)


class Recorder(httpcore2.AsyncNetworkBackend):
    """In the place of the network: remembers where a connection was wanted, and makes none."""

    def __init__(self, *unreachable: str) -> None:
        self.tried: list[str] = []
        self.unreachable = unreachable

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.tried.append(host)
        if host in self.unreachable:
            raise httpcore2.ConnectError
        return httpcore2.AsyncMockStream([reply(200, b"hey")])


@asynccontextmanager
async def recorded(
    monkeypatch: pytest.MonkeyPatch, *names: str, allow: tuple[Network, ...] = (), unreachable: tuple[str, ...] = ()
) -> AsyncGenerator[tuple[httpx2.AsyncClient, Recorder, list[str]]]:
    """A client without a network, for which every name resolves to the given addresses."""
    recorder, asked = Recorder(*unreachable), list[str]()

    async def resolve(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        asked.append(host)
        if not names:
            raise socket.gaierror
        return [(0, 0, 0, "", (name, port)) for name in names]

    monkeypatch.setattr(httpcore2, "AnyIOBackend", lambda: recorder)
    monkeypatch.setattr(anyio, "getaddrinfo", resolve)
    async with egress.client(allow) as client:
        yield client, recorder, asked


@pytest.mark.parametrize("address", [*INNER, "fe80::1%eth0", "8.8.8.8%0", "2606:4700::1%251"])
async def test_an_inner_address_in_a_url_is_denied_and_not_tried(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with recorded(monkeypatch) as (client, recorder, asked):
        host = f"[{address}]" if ":" in address else address
        with pytest.raises(EgressDenied):
            await client.get(f"http://{host}/")
        assert (recorder.tried, asked) == ([], [])


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "017700000001", "0", "134744072", "0x8.8.2056", "8.8.2056"]
)
async def test_a_number_that_stands_for_an_address_is_denied_and_not_tried(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recorded(monkeypatch, "8.8.8.8") as (client, recorder, asked):
        with pytest.raises(EgressDenied):
            await client.get(f"http://{host}/")
        assert (recorder.tried, asked) == ([], [])


@pytest.mark.parametrize("host", ["0177.0.0.1", "127.0.0.01", "256.1.1.1"])
async def test_a_dotted_address_that_is_none_is_refused_by_the_url(host: str) -> None:
    with pytest.raises(httpx2.InvalidURL):
        httpx2.URL(f"http://{host}/")


async def test_a_name_with_one_inner_address_is_denied_and_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with recorded(monkeypatch, "8.8.8.8", "10.0.0.1") as (client, recorder, _):
        with pytest.raises(EgressDenied, match=r"evil\.example"):
            await client.get("http://evil.example/")
        assert recorder.tried == []


async def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async with recorded(monkeypatch, "8.8.8.8") as (client, recorder, asked):
        assert (await client.get("http://name.example/")).text == "hey"
        assert (recorder.tried, asked) == (["8.8.8.8"], ["name.example"])


async def test_the_next_address_is_tried_when_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("2606:4700::1", "8.8.8.8", "1.1.1.1")
    async with recorded(monkeypatch, *names, unreachable=names[:2]) as (client, recorder, _):
        assert (await client.get("http://name.example/")).text == "hey"
        assert recorder.tried == list(names)
    async with recorded(monkeypatch, *names, unreachable=names) as (client, _, _):
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://name.example/")


@pytest.mark.parametrize("host", ["unknown.example", "a" * 64 + ".example", "."])
async def test_a_name_that_does_not_resolve_is_an_error_of_the_connection(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recorded(monkeypatch) as (client, _, _):
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"http://{host}/")


async def test_a_listed_network_may_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async with recorded(monkeypatch, "10.1.2.3", allow=(ip_network("10.1.0.0/16"),)) as (client, recorder, _):
        await client.get("http://inner.example/")
        with pytest.raises(EgressDenied):
            await client.get("http://10.2.0.1/")
        assert recorder.tried == ["10.1.2.3"]


async def test_loopback_is_not_connected_to_unless_it_is_listed() -> None:
    async with serving(reply()) as server:
        async with egress.client() as client:
            for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
                with pytest.raises(EgressDenied):
                    await client.get(f"http://{host}:{server.port}/")
        assert server.connections == 0
        async with egress.client(LOOPBACK) as client:
            assert (await client.get(server.url)).status_code == 200


async def test_every_redirect_is_checked_before_a_connection_is_made() -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(302, b"", f"Location: http://127.0.0.2:{target.port}/"))

    allow = (ip_network("127.0.0.1/32"),)
    async with serving(reply()) as target, serving(answer) as server, egress.client(allow) as client:
        with pytest.raises(EgressDenied):
            await client.get(server.url, follow_redirects=True)
        assert target.connections == 0


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(reply()) as proxy, serving(reply(200, b"direct")) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with egress.client(LOOPBACK) as client:
            assert (await client.get(server.url)).text == "direct"
        assert proxy.connections == 0


async def test_a_socket_file_is_denied() -> None:
    async with egress.client(LOOPBACK) as client:
        assert isinstance(client._transport, httpx2.AsyncHTTPTransport)
        with pytest.raises(EgressDenied):
            await client._transport._pool._network_backend.connect_unix_socket("/var/run/docker.sock")


async def test_no_cookie_is_kept() -> None:
    async with serving(reply(200, b"", "Set-Cookie: session=1; Path=/")) as server, egress.client(LOOPBACK) as client:
        await client.get(server.url)
        await client.get(server.url)
        assert server.requests[1].header("cookie") is None


async def test_a_host_that_takes_no_connection_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(host: str, port: int, **_: object) -> list[object]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(anyio, "getaddrinfo", never)
    async with egress.client() as client:
        with pytest.raises(httpx2.ConnectTimeout):
            await client.get("http://slow.example/", timeout=0.1)
