"""What an AV1 stream says of its colours, in its sequence header (AV1 bitstream specification, 5.5)."""

from impasto.pictures.bits import Bits

_SEQUENCE_HEADER = 1
_MOST_OBUS = 16
"""Units that are looked at: the sequence header is the first, or the second after a delimiter."""


def code_points(stream: bytes) -> tuple[int, int] | None:
    """Primaries and transfer by their code points (H.273), as the first sequence header says them; None where
    none does, or what there is makes no sense.
    """
    place = 0
    try:
        for _ in range(_MOST_OBUS):
            head = stream[place]
            place += 2 if head & 4 else 1  # an extension
            if not head & 2:  # no size: it goes on to the end
                size = len(stream) - place
            else:
                size, place = _leb128(stream, place)
            if head >> 3 & 15 == _SEQUENCE_HEADER:
                return _of_header(Bits(stream[place : place + min(size, 1024)]))
            place += size
    except (IndexError, ValueError):
        pass
    return None


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte (4.10.5), and where it ends."""
    value = 0
    for count in range(8):
        byte = data[place + count]
        value |= (byte & 127) << 7 * count
        if not byte & 128:
            return value, place + count + 1
    raise ValueError("a number is too long")


def _of_header(bits: Bits) -> tuple[int, int] | None:
    take = bits.take
    profile, _, reduced = take(3), take(1), take(1)
    if reduced:
        take(5)
    else:
        _operating_points(bits)
    width, height = take(4) + 1, take(4) + 1
    take(width), take(height)
    if not reduced and take(1):  # frame_id_numbers_present_flag
        take(7)
    take(3)
    if not reduced:
        _tools(bits)
    take(3)
    deep = take(1)
    if profile == 2 and deep:
        take(1)
    if profile != 1:
        take(1)  # mono_chrome
    return (take(8), take(8)) if take(1) else None


def _operating_points(bits: Bits) -> None:
    take, delay = bits.take, 0
    if take(1):  # timing_info_present_flag
        take(64)
        if take(1):  # equal_picture_interval
            zeros = 0
            while not take(1):
                zeros += 1
            take(zeros if zeros < 32 else 0)
        if take(1):  # decoder_model_info_present_flag
            delay = take(5) + 1
            take(42)
    displayed = take(1)
    for _ in range(take(5) + 1):
        take(12)
        if take(5) > 7:
            take(1)
        if delay and take(1):
            take(2 * delay + 1)
        if displayed and take(1):
            take(4)


def _tools(bits: Bits) -> None:
    take = bits.take
    take(4)
    ordered = take(1)
    if ordered:
        take(2)
    if (take(1) or take(1)) and not take(1):  # seq_force_screen_content_tools, seq_choose_integer_mv
        take(1)
    if ordered:
        take(3)
