"""The two ways downhill: L-BFGS and Adam, on pixels that stay in [0, 1].

Both take the picture and the gradient there and propose the next picture. They keep their memory between
calls; `reset` forgets it, `resized` says what of it survives when the picture changes size.
"""

from typing import Any, Protocol

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.pictures.picture import Size


class Optimizer(Protocol):
    """One direction of descent after another."""

    growth: float
    """A step that multiplies the loss by more than this has gone astray. At 1 the method is one of descent,
    and can stall."""

    def propose(self, pixels: Tensor, gradient: Tensor) -> Tensor:
        """The next picture, in [0, 1], given the gradient at this one, both (1, 3, H, W).

        The picture is not modified; the gradient is kept, and may be modified by the next call.
        """
        ...

    def reset(self) -> None:
        """Forget every earlier step."""
        ...

    def resized(self, size: Size) -> None:
        """Carry the memory over to a picture of another size, or forget what cannot be carried."""
        ...


class LBFGS:
    """Limited-memory BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5) with step length one, projected
    on [0, 1].

    Pixels that rest on a bound and would be pushed beyond it are left out of the direction, and the pairs (s,
    y) are made of the steps really taken, after the projection, so that they stay true curvature. There is no
    line search: a step costs one evaluation of the objective, and the solver shortens those that fail. The
    memory is forgotten between scales, for its vectors live on the old grid of pixels.
    """

    growth = 1.0

    def __init__(self, history: int = 15) -> None:
        self._history = history
        self.reset()

    def reset(self) -> None:
        self._pairs: list[tuple[Tensor, Tensor, Tensor]] = []
        self._last: tuple[Tensor, Tensor] | None = None

    def resized(self, size: Size) -> None:
        self.reset()

    def propose(self, pixels: Tensor, gradient: Tensor) -> Tensor:
        # Of the same picture it is asked again where this was interrupted.
        if self._last is not None and self._last[0] is not pixels:
            before, slope = self._last
            # The old gradient is nobody else's, and its memory serves: pictures can be half a gigabyte.
            self._remember((pixels - before).flatten(), slope.neg_().add_(gradient).flatten())
            del before, slope
        self._last = pixels, gradient
        blocked = (pixels <= 0).logical_and_(gradient > 0).logical_or_((pixels >= 1).logical_and_(gradient < 0))
        free = gradient.masked_fill(blocked, 0)
        direction = self._direction(free).masked_fill_(blocked, 0)
        if torch.dot(direction.flatten(), free.flatten()) >= 0:  # not downhill: the memory no longer fits the place
            self._pairs.clear()
            direction = self._direction(free)
        return direction.add_(pixels).clamp_(0, 1)

    def _remember(self, s: Tensor, y: Tensor) -> None:
        curvature = torch.dot(s, y)
        if curvature > 1e-8 * s.norm() * y.norm():  # keeps the implied Hessian positive definite
            self._pairs.append((s, y, 1 / curvature))
            del self._pairs[: -self._history]

    def _direction(self, gradient: Tensor) -> Tensor:
        """The two-loop recursion: minus the inverse Hessian times the gradient."""
        if not self._pairs:
            # Nothing is known of the curvature yet: move by one grey level of 255 in the root mean square.
            unit = gradient / gradient.abs().max().clamp_min(torch.finfo(gradient.dtype).tiny)
            return -unit / (unit.square().mean().sqrt() * 255).clamp_min(1 / 255)
        q = gradient.flatten().clone()
        alphas = []
        for s, y, rho in reversed(self._pairs):
            alpha = (rho * torch.dot(s, q)).item()
            q.add_(y, alpha=-alpha)
            alphas.append(alpha)
        s, y, rho = self._pairs[-1]
        q /= rho * torch.dot(y, y)
        for (s, y, rho), alpha in zip(self._pairs, reversed(alphas), strict=True):
            q.add_(s, alpha=alpha - (rho * torch.dot(y, q)).item())
        return q.neg_().view_as(gradient)


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), projected on [0, 1].

    Its two running averages are pictures themselves and are resized along when the scale changes (as in K.
    Crowson's style-transfer-pytorch), so that a new scale starts with step lengths that fit. It is no descent
    method, so a rising loss is only astray when it grows tenfold.
    """

    growth = 10.0

    def __init__(
        self, learning_rate: float = 0.02, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self._rate, self._beta1, self._beta2, self._epsilon = learning_rate, beta1, beta2, epsilon
        self.reset()

    def reset(self) -> None:
        self._count = 0
        self._moments: tuple[Tensor, Tensor] | None = None

    def resized(self, size: Size) -> None:
        if self._moments is not None:
            first, second = (nn.interpolate(moment, size, mode="bilinear", antialias=True) for moment in self._moments)
            self._moments = first, second

    def propose(self, pixels: Tensor, gradient: Tensor) -> Tensor:
        first, second = self._moments or (torch.zeros_like(pixels), torch.zeros_like(pixels))
        first = torch.lerp(gradient, first, self._beta1)
        second = torch.lerp(gradient.square(), second, self._beta2)
        count = self._count + 1
        unbiased = second / (1 - self._beta2**count)
        rate = self._rate / (1 - self._beta1**count)
        proposed = (pixels - rate * first / (unbiased.sqrt() + self._epsilon)).clamp(0, 1)
        self._moments, self._count = (first, second), count  # at once: it may be interrupted, and asked again
        return proposed


def state_of(optimizer: Optimizer) -> dict[str, Any]:
    """All an optimiser knows, for a checkpoint."""
    memory = {name: value for name, value in vars(optimizer).items() if name != "_history"}
    return {"kind": type(optimizer).__name__, "memory": memory}


def restored(state: dict[str, Any], made: Optimizer) -> Optimizer:
    """``made``, or the Adam that had taken its place, with the memory of a `state_of`. A shorter history may
    be asked of it.
    """
    optimizer = made if type(made).__name__ == state["kind"] else Adam()
    vars(optimizer).update(state["memory"])
    return optimizer
