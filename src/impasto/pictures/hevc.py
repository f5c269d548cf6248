"""What an HEVC stream says of its colours, in its sequence parameter set (Rec. ITU-T H.265, 7.3.2.2 and annex
E).
"""

import struct

from impasto.pictures.bits import Bits

_SEQUENCE = 33
_LONGEST = 4096
"""Bytes of a parameter set that are looked at; those of a still picture are fewer than a hundred."""
_OTHERS = 255
"""An aspect ratio that is told in two numbers."""
_ORDERS = 64
"""The most sets of reference pictures, and more than there are of anything else that is counted."""


def code_points(configuration: bytes) -> tuple[int, int] | None:
    """Primaries and transfer by their code points (H.273), as the first parameter set in the body of a box
    hvcC (ISO/IEC 14496-15, 8.3.2) says them; None where none does, or what there is makes no sense.
    """
    try:
        place = 23
        for _ in range(configuration[22]):
            kind, (count,) = configuration[place] & 63, struct.unpack_from(">H", configuration, place + 1)
            place += 3
            for _ in range(count):
                (length,) = struct.unpack_from(">H", configuration, place)
                unit, place = configuration[place + 2 : place + 2 + min(length, _LONGEST)], place + 2 + length
                if kind == _SEQUENCE:
                    return _of_sequence(Bits(unit[2:].replace(b"\0\0\3", b"\0\0")))
    except (IndexError, ValueError, struct.error):
        pass
    return None


def _of_sequence(bits: Bits) -> tuple[int, int] | None:
    take, number = bits.take, bits.exponential
    take(4)
    layers = take(3)
    take(1)
    _profile(bits, layers)
    number()
    if number() == 3:  # chroma_format_idc
        take(1)
    number(), number()  # width and height
    _numbers(bits, 4 * take(1))  # conformance_window_flag
    _numbers(bits, 2)
    order = number() + 4
    _numbers(bits, 3 * (layers + 1 if take(1) else 1))  # sps_sub_layer_ordering_info_present_flag
    _numbers(bits, 6)
    if take(1) and take(1):  # scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        _scaling_lists(bits)
    take(2)
    if take(1):  # pcm_enabled_flag
        take(8)
        _numbers(bits, 2)
        take(1)
    _reference_pictures(bits, order)
    take(2)
    return _usability(bits) if take(1) else None


def _usability(bits: Bits) -> tuple[int, int] | None:
    take = bits.take
    if take(1) and take(8) == _OTHERS:  # aspect_ratio_info_present_flag
        take(32)
    if take(1):  # overscan_info_present_flag
        take(1)
    if not take(1):  # video_signal_type_present_flag
        return None
    take(4)
    return (take(8), take(8)) if take(1) else None


def _profile(bits: Bits, layers: int) -> None:
    """Profiles, tiers and levels (7.3.3)."""
    bits.take(96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)


def _scaling_lists(bits: Bits) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            own = bits.take(1)
            _numbers(bits, min(64, 16 << 2 * size) + (size > 1) if own else 1)


def _reference_pictures(bits: Bits, order: int) -> None:
    """Short and long ones (7.3.7), which a still picture has none of. Raises ValueError for those that are
    told by others.
    """
    take, number = bits.take, bits.exponential
    for place in range(_counted(number())):
        if place and take(1):
            raise ValueError("sets of reference pictures follow from others")
        for _ in range(_counted(number()) + _counted(number())):
            number(), take(1)
    if take(1):  # long_term_ref_pics_present_flag
        take(_counted(number()) * (_counted(order) + 1))


def _numbers(bits: Bits, count: int) -> None:
    """Pass over so many numbers, with a sign or without, which are as long."""
    for _ in range(count):
        bits.exponential()


def _counted(count: int) -> int:
    """A count, if it can be one. Raises ValueError."""
    if count > _ORDERS:
        raise ValueError("it counts too many")
    return count
