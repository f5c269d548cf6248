"""What moving pictures are written as: the form by the output's suffix, and the codec in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import SettingsError, briefly, did_you_mean


@dataclass(frozen=True)
class Codec:
    """How frames are packed: FFmpeg's encoder, its options, and the pixel formats by bits a channel and
    whether they are transparent. ``quality`` is what ``crf`` stands for where none is asked for, None where
    there is no such thing; ``best`` and ``worst`` are its bounds. ``halved``: colours have half as many rows
    and columns, so that both are even. ``bytes`` a pixel and frame are a rough guess.
    """

    encoder: str
    formats: Mapping[tuple[int, bool], str]
    options: Mapping[str, str]
    quality: int | None = None
    worst: int = 51
    halved: bool = True
    bytes: float = 0.2


# Frames refer to earlier ones alone (no B-frames, no look at what is to come): so every frame's time is also
# that of its packet, negative times and lists of edits are needed nowhere, and parts can be joined. And what
# x264 learns of frames to come (its "mbtree") is not the same every time where it has AVX-512.
CODECS = {
    "h264": Codec(
        "libx264",
        {(8, False): "yuv420p", (10, False): "yuv420p10le"},
        {"preset": "veryfast", "bf": "0", "rc-lookahead": "0"},
        18,
    ),
    "h265": Codec(
        "libx265",
        {(8, False): "yuv420p", (10, False): "yuv420p10le"},
        {"preset": "veryfast", "x265-params": "bframes=0:log-level=none"},
        20,
    ),
    "vp9": Codec(
        "libvpx-vp9",
        {(8, False): "yuv420p", (8, True): "yuva420p"},
        {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1", "auto-alt-ref": "0", "lag-in-frames": "0"},
        24,
        63,
    ),
    "av1": Codec(
        "libsvtav1",
        {(8, False): "yuv420p", (10, False): "yuv420p10le"},
        {"preset": "9", "svtav1-params": "pred-struct=1:lookahead=0"},
        26,
        63,
    ),
    "prores": Codec("prores_ks", {(10, False): "yuv422p10le", (10, True): "yuva444p10le"}, {}, bytes=1.5),
    "ffv1": Codec(
        "ffv1",
        {(8, False): "bgr0", (8, True): "bgra", (10, False): "gbrp10le", (10, True): "gbrap10le"},
        {"level": "3"},
        halved=False,
        bytes=2.5,
    ),
}
"""By their names; the first that can is chosen where none is named."""


@dataclass(frozen=True)
class Form:
    """A form of output: FFmpeg's name, and the codecs that it may hold, the usual one first. ``sound``:
    whether it holds sound, too. ``image`` is how each frame is written where it is no container of a codec:
    then frames are kept without loss as they are painted, and written at the end.
    """

    container: str
    codecs: tuple[str, ...]
    sound: bool = True
    image: bool = False
    depths: tuple[int, ...] = (8, 10)
    transparent: bool = True


FORMS = {
    ".mp4": Form("mp4", ("h264", "h265", "av1")),
    ".mkv": Form("matroska", ("h264", "h265", "vp9", "av1", "ffv1", "prores")),
    ".webm": Form("webm", ("vp9", "av1")),
    ".mov": Form("mov", ("h264", "h265", "prores")),
    ".gif": Form("gif", ("ffv1",), sound=False, image=True, depths=(8,), transparent=False),
    ".webp": Form("webp", ("ffv1",), sound=False, image=True, depths=(8,)),
    ".apng": Form("apng", ("ffv1",), sound=False, image=True, depths=(8,)),
    "": Form("", ("ffv1",), sound=False, image=True, depths=(8,)),
}
"""By suffix; without one it is a folder of PNG files."""

CLIPS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv", ".flv", ".ogv", ".3gp", ".3g2", ".mxf",
    ".apng",
)  # fmt: skip
"""How the names of clips end, in small letters, among other files. GIF, WebP and PNG are pictures there, be
they moving or not: only their bytes would tell."""


@dataclass(frozen=True)
class Packing:
    """What has been chosen: a form, a codec in it, bits a channel, transparency, and crf."""

    form: Form
    codec: Codec
    name: str
    bits: int
    alpha: bool
    crf: int | None

    @property
    def pixels(self) -> str:
        """FFmpeg's name of the pixel format."""
        return self.codec.formats[self.bits, self.alpha]

    def options(self) -> dict[str, str]:
        """The encoder's options."""
        return dict(self.codec.options) | ({} if self.crf is None else {"crf": str(self.crf)})


def is_clip(name: str) -> bool:
    """Whether a file among others is a clip, by its name.

    >>> is_clip("a.MOV"), is_clip("a.gif")
    (True, False)
    """
    return name.lower().endswith(CLIPS)


def form_of(output: Path) -> Form:
    """The form of an output. Raises SettingsError."""
    suffix = output.suffix.lower()
    if suffix not in FORMS:
        known = ", ".join(filter(None, FORMS))
        raise SettingsError(
            f"{output.name} is of no form of moving pictures: name it {known}, or without a suffix for a folder."
        )
    return FORMS[suffix]


def packing(
    output: Path, *, codec: str = "", crf: int | None = None, bits: int | None = None, depth: int = 8, alpha: bool
) -> Packing:
    """How to write frames of a ``depth`` with or without ``alpha`` to an output. ``bits`` are those asked
    for; where none are, it is as many as the frames have, if there is a codec for it.

    Raises SettingsError for what the form or the codec cannot hold.
    """
    form = form_of(output)
    named = output.suffix or "a folder"
    if codec and codec not in CODECS:
        raise SettingsError(f"There is no `codec` {codec!r}: {did_you_mean(str(codec), CODECS)}")
    if codec and (form.image or codec not in form.codecs):
        choice = "leave out `codec`" if form.image else f"choose {' or '.join(form.codecs)}"
        raise SettingsError(f"{named} holds no `codec` {codec}: {choice}.")
    if bits is not None and bits not in (8, 10):
        raise SettingsError(f"`bits` of moving pictures are 8 or 10, not {briefly(repr(bits))}.")
    if alpha and not form.transparent:
        raise SettingsError(f"{named} holds no transparency, which the clip has: name a {_transparent()}.")
    chosen = (codec,) if codec else form.codecs
    able = [name for name in chosen if any(each == alpha for _, each in CODECS[name].formats)]
    if not able:
        held = f"`codec` {codec}" if codec else named
        raise SettingsError(f"{held} holds no transparency, which the clip has: name a {_transparent()}.")
    wanted = bits or depth
    exact = [name for name in able if (wanted, alpha) in CODECS[name].formats and wanted in form.depths]
    if not exact and bits is not None:
        held = f"`codec` {codec}" if codec else named
        raise SettingsError(f"{held} holds no {bits} `bits` a channel{' with transparency' * alpha}: leave `bits` out.")
    name = _best(exact, wanted) if exact else able[0]
    found = CODECS[name]
    depths = [each for each, transparent in found.formats if transparent == alpha and each in form.depths]
    had = wanted if wanted in depths else min(depths, key=lambda each: abs(each - wanted))
    if crf is not None and found.quality is None:
        raise SettingsError(f"`crf` has no meaning for {named if form.image else f'`codec` {name}'}: leave it out.")
    if crf is not None and crf not in range(found.worst + 1):
        raise SettingsError(f"`crf` of {name} is from 0 (best) to {found.worst}, not {briefly(repr(crf))}.")
    return Packing(form, found, name, had, alpha, found.quality if crf is None else crf)


def _best(names: list[str], bits: int) -> str:
    """Of codecs that can, the usual one; for more than 8 bits not H.264, which few players know so."""
    return next((name for name in names if bits == 8 or name != "h264"), names[0])


def _transparent() -> str:
    return ".mov, .webm, .mkv, .webp or .apng file, or a folder"
