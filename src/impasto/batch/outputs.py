"""Where results go: names by a template, no two alike, all of them places that can be written."""

import hashlib
import os
import re
import string
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from impasto.batch.stores import STATE
from impasto.errors import OutputError, SettingsError
from impasto.machine import files
from impasto.pictures.writing import FORMATS, check_format
from impasto.settings.style_names import key
from impasto.video import forms

FIELDS = ("stem", "name", "suffix", "style", "hash", "folder")
USUAL = "{stem}-{style}{suffix}"
_NO_PLACE = re.compile(r"\0|(?:\A|/)(?:\.{0,2}(?:/|\Z)|\.[^/]*\Z)")
"""A folder "", "." or "..", a file without a name or with a hidden one, or what no system has as a path."""
_NAMED = 5


class Template:
    """How a result is called, after its photograph or clip, and its style.

    ``{stem}`` is the photograph's name, ``{name}`` the same with its suffix, ``{suffix}`` its suffix where
    that can be written, else .png, or of a film .mp4; ``{style}`` the style's name, ``{hash}`` eight digits
    made of the photograph's place and name, ``{folder}`` its place, which is put before a template that has
    none.
    """

    def __init__(self, text: str) -> None:
        """Raises SettingsError for what is no template, or leads out of the folder."""
        try:
            parts = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise SettingsError(f"`name` {text!r} is no template ({error}): write it like {USUAL!r}.") from error
        for name in parts:
            if name not in FIELDS:
                raise SettingsError(f"`name` has no {{{name}}}: use {', '.join(f'{{{each}}}' for each in FIELDS)}.")
        if "folder" not in parts:
            text = "{folder}/" + text
        self._text, self._hashes = text, "hash" in parts
        self.fill("a.png", "", "wave")

    def fill(self, content: str, place: str, style: str, *, film: bool = False) -> str:
        """The path of a result, with slashes. Raises SettingsError.

        >>> Template("{style}/{stem}.jpg").fill("photos/x/a.heic", "x", "wave")
        'x/wave/a.jpg'
        >>> Template("{style}/{folder}/{stem}.jpg").fill("photos/a.heic", "", "wave")
        'wave/a.jpg'
        >>> Template(USUAL).fill("a.HEIC", "", "wave")
        'a-wave.png'
        >>> Template(USUAL).fill("a.avi", "", "wave", film=True)
        'a-wave.mp4'
        """
        name = os.path.basename(content)
        stem, suffix = os.path.splitext(name)
        written, usual = (forms.FORMS, ".mp4") if film else (FORMATS, ".png")
        suffix = suffix.lower()
        digest = hashlib.sha256(os.fsencode(f"{place}/{name}")).hexdigest()[:8] if self._hashes else ""
        try:
            filled = self._text.format(
                stem=stem,
                name=name,
                suffix=suffix if suffix in written else usual,
                hash=digest,
                folder=place.replace(os.sep, "/"),
                style=style.replace("/", "-"),
            )
        except (ValueError, IndexError, KeyError) as error:
            raise SettingsError(
                f"`name` {self._text!r} cannot be filled ({error}): write it like {USUAL!r}."
            ) from error
        if "//" in filled:  # where a place is the topmost, and so empty
            filled = re.sub("/+", "/", filled)
        return checked(filled.removeprefix("/") if not place else filled)


def checked(output: str) -> str:
    """A path within the batch's folder, with names that are not too long. Raises SettingsError."""
    first, within, _ = output.partition("/")
    if _NO_PLACE.search(output) or (within and _key(first) == STATE):
        raise SettingsError(f"The output {output!r} must be the path of a file within the folder of the batch.")
    folder, slash, name = output.rpartition("/")
    return output if files.fits(name) else f"{folder}{slash}{files.named(*os.path.splitext(name))}"


def refuse_collisions(pairs: Iterable[tuple[str, str]]) -> None:
    """Raises OutputError where two of (output, content) have one output, also but for the case of its letters
    or the way accents are written, or one needs a folder where another has a file.
    """
    taken: dict[str, str] = {}
    folders: dict[str, str] = {}
    found: list[str] = []
    for output, content in pairs:
        own = _key(output)
        if own in taken:
            found.append(f"{taken[own]} and {content} → {output}")
        taken.setdefault(own, content)
        parent = own
        while (parent := parent.rpartition("/")[0]) and parent not in folders:
            folders[parent] = content
    found += [f"{taken[own]} and a folder for {folders[own]}" for own in folders if own in taken]
    if found:
        shown = "\n  ".join(found[:_NAMED] + ["…"] * (len(found) > _NAMED))
        raise OutputError(
            f"{len(found)} results would have the name of another, for some system at least: tell them apart by `name`, "
            f"like '{{name}}-{{style}}{{suffix}}' or '{{stem}}-{{hash}}{{suffix}}', by a folder that has both, or in a manifest "
            f"by `output`.\n  {shown}"
        )


def check_places(folder: Path, results: Sequence[tuple[str, bool]], bits: int | None) -> None:
    """Raises OutputError where a folder or a format cannot take what is to be written there: outputs, and
    whether they are films.
    """
    for suffix, film in {(os.path.splitext(output)[1], film) for output, film in results}:
        if not film:
            check_format(Path(f"result{suffix}"), (1, 1), bits)  # type: ignore[arg-type]  # which a job has checked
        elif suffix.lower() not in {*forms.FORMS} - {""}:
            raise OutputError(
                f"A name that ends in {suffix!r} is none of a film, and some are: give {', '.join(filter(None, forms.FORMS))}, or "
                "{suffix} in `name`, or name the photographs alone, as by '*.jpg'."
            )
    for parent in {output.rpartition("/")[0] for output, _ in results}:
        files.check_writable(folder / parent / "result.png", force=True)


def _key(output: str) -> str:
    return output.lower() if output.isascii() else key(unicodedata.normalize("NFC", output))
