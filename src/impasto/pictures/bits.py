"""Numbers of bits, of which the headers of coded pictures are made."""


class Bits:
    """Bits, the highest first. Raises ValueError beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """The number of the next so many bits."""
        self._left -= count
        if self._left < 0:
            raise ValueError("it is cut off")
        return self._value >> self._left & ((1 << count) - 1)

    def exponential(self) -> int:
        """A number by the exponential code of Golomb's that video has: so many zeros, and as many bits after
        a one.

        >>> bits = Bits(bytes([0b1_010_011_0, 0b0100_0000]))
        >>> [bits.exponential() for _ in range(4)]
        [0, 1, 2, 3]
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)
