"""Faces: three small networks, one after the other, each of which looks closer at what the one before took
for a face (MTCNN).

K. Zhang, Z. Zhang, Z. Li and Y. Qiao, Joint face detection and alignment using multitask cascaded
convolutional networks, IEEE Signal Processing Letters 2016. The thresholds are the authors'. Faces are sought
upright, and up to some 30° to either side.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto import weights
from impasto.pictures.picture import Picture, Size

_SMALLEST = 20
"""The side of the smallest face, in pixels."""
_STEP = 0.709
"""From one size at which the first network looks to the next."""

_CHEEK = 0.6
"""What a face counts in its mask, where its eyes and its mouth are one."""


@dataclass(frozen=True)
class _Net:
    """One of the networks: the side of the squares that it looks at, and after which convolutions so many
    positions are pooled, always with a step of two (the paper's figure 2).
    """

    tensors: Mapping[str, Tensor]
    side: int
    pools: Mapping[int, int]

    def answers(self, seen: Tensor) -> list[Tensor]:
        """What it says of pictures (N, 3, H, W) in [-1, 1]: its last layers, side by side, each (N, C, H',
        W').
        """
        said: list[Tensor] = []
        number = 1
        while f"{number}.weight" in self.tensors:
            answer = nn.conv2d(seen, self.tensors[f"{number}.weight"], self.tensors[f"{number}.bias"])
            if f"{number}.slope" in self.tensors:
                seen = nn.prelu(answer, self.tensors[f"{number}.slope"])
                if number in self.pools:
                    seen = nn.max_pool2d(seen, self.pools[number], 2, ceil_mode=True)
            else:
                said.append(answer)
            number += 1
        return said


@dataclass(frozen=True)
class Face:
    """A face, in pixels: ``box`` (4,) is left, top, right, bottom; ``points`` (5, 2) are x, y of the two
    eyes, the nose, the corners of the mouth.
    """

    box: Tensor
    points: Tensor


def found(picture: Picture) -> list[Face]:
    """The faces of a picture, the surest first, from 20 pixels to its whole height. Raises WeightsError."""
    propose = _Net(weights.load("face-propose"), 12, {1: 2})
    refine = _Net(weights.load("face-refine"), 24, {1: 3, 2: 3})
    output = _Net(weights.load("face-output"), 48, {1: 3, 2: 3, 3: 2})
    seen = picture.pixels * 2 - 1
    with torch.no_grad():
        boxes = _square(_proposed(propose, seen))
        offsets, likely = _looked_at(refine, seen, boxes)
        boxes = _square(_kept(_moved(boxes, offsets), likely, 0.7, 0.7)[0])
        offsets, places, likely = _looked_at(output, seen, boxes)
        points = boxes[:, None, :2] + places.reshape(-1, 2, 5).transpose(1, 2) * (boxes[:, 2:] - boxes[:, :2])[:, None]
        boxes, chosen = _kept(_moved(boxes, offsets), likely, 0.8, 0.4)
    return [Face(*each) for each in zip(boxes, points[chosen], strict=True)]


def mask(faces: list[Face], size: Size) -> Tensor:
    """The faces as a mask (1, 1, H, W) in [0, 1] for the picture they were found in: soft ellipses, whitest
    at the eyes and the mouth.
    """
    y, x = torch.meshgrid(torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5, indexing="ij")

    def blob(centre: Tensor, along: Tensor, across: Tensor) -> Tensor:
        """How far from the centre (2,) of an ellipse with half an axis (2,) and half the width () of the
        other: 1 on its rim.
        """
        dx, dy, length = x - centre[0], y - centre[1], along.norm().clamp_min(1)
        u, v = (dx * along[0] + dy * along[1]) / length, (dy * along[0] - dx * along[1]) / length
        return torch.hypot(u / length, v / across.clamp_min(1))

    white = torch.zeros(size)
    for face in faces:
        width, height = face.box[2:] - face.box[:2]
        eyes, mouth = face.points[:2], face.points[3:]
        head = blob((face.box[:2] + face.box[2:]) / 2, torch.stack([width * 0, height * 0.62]), width * 0.66)
        white = white.maximum(_CHEEK * (2.5 - 2 * head).clamp(0, 1))  # from the hair's and the ears' inner rim outwards
        level = torch.stack([width * 0.2, height * 0])
        spots = [(eye, level, height * 0.12) for eye in eyes]
        spots.append((mouth.mean(0), (mouth[1] - mouth[0]) * 0.65, height * 0.13))
        for centre, along, across in spots:
            white = white.maximum((2 - blob(centre, along, across)).clamp(0, 1))
    return white[None, None]


def _proposed(net: _Net, seen: Tensor) -> Tensor:
    """Boxes (N, 4) that may be faces: the network looks at every square of its side, of pictures of many
    sizes.
    """
    boxes, likely, scale = [torch.empty(0, 4)], [torch.empty(0)], net.side / _SMALLEST
    while min(seen.shape[2:]) * scale >= net.side:
        size = round(seen.shape[2] * scale), round(seen.shape[3] * scale)
        offsets, face = net.answers(nn.interpolate(seen, size, mode="bilinear", antialias=True))
        face = face.softmax(1)[0, 1]
        rows, columns = torch.nonzero(face > 0.6, as_tuple=True)
        corner = torch.stack([columns, rows], 1) * 2.0
        here = _moved(torch.cat([corner, corner + net.side], 1), offsets[0, :, rows, columns].T) / scale
        kept, chosen = _kept(here, face[rows, columns], 0.6, 0.5)
        boxes.append(kept)
        likely.append(face[rows, columns][chosen])
        scale *= _STEP
    return _kept(torch.cat(boxes), torch.cat(likely), 0.6, 0.7)[0]


def _looked_at(net: _Net, seen: Tensor, boxes: Tensor) -> list[Tensor]:
    """What a network says of squares (N, 4), brought to its side: its answers (N, C), the last as how likely
    (N,) it is a face.
    """
    side = net.side
    patches = [torch.empty(0, 3, side, side)]
    height, width = seen.shape[2:]
    for left, top, right, bottom in boxes.round().int().tolist():
        inside = seen[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        beyond = max(-left, 0), max(right - width, 0), max(-top, 0), max(bottom - height, 0)
        patches.append(nn.interpolate(nn.pad(inside, beyond), (side, side), mode="bilinear", antialias=True))
    *others, face = (answer.flatten(1) for answer in net.answers(torch.cat(patches)))
    return [*others, face.softmax(1)[:, 1]]


def _moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Boxes (N, 4) with their edges moved by shares of their sides."""
    return boxes + offsets * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)


def _square(boxes: Tensor) -> Tensor:
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([centre - half, centre + half], 1)


def _kept(boxes: Tensor, likely: Tensor, least: float, overlap: float) -> tuple[Tensor, Tensor]:
    """Of boxes (N, 4) that are likely (N,) enough the likeliest of each heap, the likeliest first, and which
    these are.
    """
    sides = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    chosen = cv2.dnn.NMSBoxes(sides.tolist(), likely.tolist(), least, overlap)
    kept = torch.tensor([*chosen], dtype=torch.long)
    return boxes[kept], kept
