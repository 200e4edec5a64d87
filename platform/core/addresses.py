"""Which network addresses are public. `ipaddress.is_global` alone is wrong: it passes multicast, NAT64 and 6to4."""

from __future__ import annotations

import ipaddress

_V4 = tuple(
    ipaddress.IPv4Network(n)
    for n in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_V6 = tuple(
    ipaddress.IPv6Network(n)
    for n in (
        "::/96",  # IPv4-compatible
        "64:ff9b::/96",
        "64:ff9b:1::/48",  # NAT64 reaches IPv4, the private ranges too
        "2001::/23",
        "2002::/16",  # Teredo, 6to4
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
        "ff00::/8",
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address (a scope id is ignored) lies in the public internet. Raises ValueError for a name."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        return ip.is_global and not ip.is_reserved and not any(ip in network for network in _V6)
    return ip.is_global and not any(ip in network for network in _V4)


def is_address(host: str) -> bool:
    """Whether a host is an address and not a name (a scope id is ignored)."""
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return bool((mapped or ip).is_loopback)


def canonical_host(host: str | bytes) -> str:
    """A host as it is compared: lower case, ASCII (IDNA), without brackets, scope id and final dot."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
    text = text.strip("[]").split("%")[0].rstrip(".").lower()
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError:
            return text
    return text


def truncate_address(address: str) -> str:
    """An address without the part that names one machine: /24 for IPv4, /48 for IPv6; `-` for anything else."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return "-"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    bits = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network(f"{ip}/{bits}", strict=False).network_address)
