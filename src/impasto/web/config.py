"""What a studio is started with."""

import contextlib
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from impasto.errors import SettingsError
from impasto.machine.files import at_home
from impasto.settings.fields import Settings

LONGEST_TOKEN = 200
"""Characters of a secret that is looked at."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Config:
    """Where a studio keeps its pictures, how it is reached, and what it allows.

    ``hosts`` are addresses to listen on, of which the first counts, and names by which it is asked for; the
    loopback ones are always among them. ``memory`` is what a job may take, as the setting of that name.
    ``max_upload`` and ``max_clip`` are in bytes, ``max_size`` is the long side of a result in pixels, and
    ``max_frames`` are those of a clip.
    """

    folder: Path
    hosts: tuple[str, ...] = ()
    port: int = 7860
    queue: int = 32
    memory: str = "auto"
    max_upload: int = 64 * 2**20
    max_size: int = 4096
    max_clip: int = 256 * 2**20
    max_frames: int = 3600
    users: bool = False
    root_path: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", at_home(self.folder).absolute())  # as `Folder.told` knows it in sentences
        object.__setattr__(self, "hosts", tuple(map(_host, self.hosts)))
        Settings(memory=self.memory)  # says what is wrong with it
        if not 0 < len(self.token) <= LONGEST_TOKEN:
            raise SettingsError(f"`token` has {len(self.token)} characters: give it 1 to {LONGEST_TOKEN}.")
        if self.root_path and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", self.root_path):
            raise SettingsError(
                f"`root_path` is a path like /impasto, without a slash at its end, not {self.root_path!r}."
            )

    @property
    def bind(self) -> str:
        """The address to listen on: the first that is one, else the loopback interface, for a proxy."""
        return next((each for each in self.hosts if _is_address(each)), LOOPBACK[0])

    @property
    def both(self) -> bool:
        """Whether what listens on all addresses of IPv6 does so on those of IPv4, too."""
        return self.bind == "::" and socket.has_dualstack_ipv6()

    def allowed(self) -> frozenset[str]:
        """The names that a request may ask for, in small letters. What a name of another leads here, as
        rebound DNS does, is not among them.
        """
        own = {host.lower() for host in (*LOOPBACK, *self.hosts)}
        if _is_address(self.bind) and ipaddress.ip_address(self.bind).is_unspecified:
            name = socket.gethostname().lower()
            own |= {name, f"{name.partition('.')[0]}.local", *_own_addresses()}
        return frozenset(own)

    def address(self) -> str:
        """Where the page is, with the token in the fragment, which no server and no log gets to see."""
        host = self.bind
        if _is_address(host) and ipaddress.ip_address(host).is_unspecified:
            host = LOOPBACK[0] if self.both or ":" not in host else LOOPBACK[2]
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}{self.root_path}/#token={quote(self.token, safe='')}"


def _host(host: str) -> str:
    """An address, or a name as browsers send it. Raises SettingsError for what none is."""
    if _is_address(host):
        return host
    with contextlib.suppress(UnicodeError):
        if re.fullmatch(r"[A-Za-z0-9._-]+", name := host.encode("idna").decode()):
            return name
    raise SettingsError(f"`host` is a name or an address alone, without http://, a port or a path, not {host!r}.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _own_addresses() -> set[str]:
    import psutil

    return {each.address.partition("%")[0].lower() for card in psutil.net_if_addrs().values() for each in card}
