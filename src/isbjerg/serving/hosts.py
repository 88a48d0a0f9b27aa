"""Which requests are meant for this server, by the header ``Host``.

A web page can let its own name resolve to 127.0.0.1 and so reach a server that listens to this
machine only. Its requests carry its name, so what is not named as this machine is refused. The
port is not looked at: a tunnel may have another one, and a page's name is wrong on any port.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from isbjerg.serving.answers import Refusal

_DIGITS_MAX = 5


def check_host(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a request that was sent to another name than this machine's.

    Raises
    ------
    Refusal
        When there is not exactly one ``Host``, or it is neither ``localhost`` nor a loopback
        address.
    """
    found = [value for name, value in headers if name == b"host"]
    if len(found) != 1 or not is_local(found[0]):
        raise Refusal(
            421,
            "ISB719",
            "The request's Host does not name this machine.",
            mend="ask http://127.0.0.1 or http://localhost with the server's port",
            field="Host",
        )


@lru_cache(maxsize=64)
def is_local(host: bytes) -> bool:
    """Say whether a ``Host`` names this machine: literally, nothing is decoded or looked up.

    Examples
    --------
    >>> [is_local(host) for host in (b"127.0.0.1:8000", b"LocalHost", b"[::1]:80")]
    [True, True, True]
    >>> [is_local(host) for host in (b"evil.example:8000", b"127.0.0.1.evil.example", b"")]
    [False, False, False]
    """
    text = host.decode("latin-1")
    name, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        name, colon, port = text, "", ""
    if colon and not (port.isascii() and port.isdecimal() and len(port) <= _DIGITS_MAX):
        return False
    if name.lower() == "localhost":
        return True
    bracketed = name.startswith("[") and name.endswith("]")
    address = name[1:-1] if bracketed else name
    if "%" in address or bracketed != (":" in address):
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    # An IPv4 address in IPv6's clothes is a loopback address from Python 3.13 on; nobody asks so.
    return found.is_loopback and getattr(found, "ipv4_mapped", None) is None
