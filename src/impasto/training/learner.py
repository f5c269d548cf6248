"""The network that learns: its weights, their running mean, which is kept, and Adam's memory of them."""

import copy

import torch
from torch import Tensor, nn

from impasto.machine.checkpoint import State
from impasto.networks.contract import Network

_AVERAGED = 0.995
"""Decay of the running mean of the weights, which is what is kept."""
_LARGEST_GRADIENT = 1.0


class Learner:
    """A ``network`` on its way; ``fitting`` says whether γ and β alone are being learnt."""

    def __init__(self, network: Network, *, fitting: bool) -> None:
        self.network, self.fitting = network, fitting
        self.parameters = list(network.parameters())
        self.average = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        self._optimizer = torch.optim.Adam(self.parameters)
        self._freeze()

    def forget_gradient(self) -> None:
        """Before that of the next step is propagated into the weights."""
        self._optimizer.zero_grad(set_to_none=True)

    def clip_gradient(self) -> Tensor:
        """Shorten the gradient to its largest length, and give the length that it had."""
        return nn.utils.clip_grad_norm_(self.parameters, _LARGEST_GRADIENT)

    def step(self, rate: float, steps: int) -> None:
        """One step of Adam along the gradient, at a learning ``rate``, after so many ``steps``."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        follow = max(1 - _AVERAGED, 1 / (1 + steps))
        for name, tensor in self.network.state_dict().items():
            self.average[name].lerp_(tensor, follow)

    def let_go(self) -> None:
        """Learn all weights from here on, and not γ and β alone."""
        self.fitting = False
        self._freeze()

    def kept(self) -> Network:
        """The network by the running mean of its weights, apart from the one that learns on."""
        network = copy.deepcopy(self.network)  # a new one would draw its weights, and move the caller's random state
        network.load_state_dict(self.average)
        return network.eval().requires_grad_(False)

    def state(self) -> State:
        """All that is needed to go on from here as if nothing had happened."""
        moments = self._optimizer.state_dict()["state"]
        return {
            "network": self.network.state_dict(),
            "average": self.average,
            "adam": [moments.get(index) for index in range(len(self.parameters))],
            "fitting": self.fitting,
        }

    def take_up(self, state: State) -> None:
        """Go on from a `state`, which `resuming.check_state` has found to be one of this network."""
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        known = self._optimizer.state_dict()
        known["state"] = {index: entry for index, entry in enumerate(state["adam"]) if entry is not None}
        self._optimizer.load_state_dict(known)
        self.fitting = state["fitting"]
        self._freeze()

    def _freeze(self) -> None:
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not self.fitting or ".heads." in name)
