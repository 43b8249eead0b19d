"""What the model says of each target, and the loss it is trained with. Targets are scaled log returns, (batch, horizons)."""

from __future__ import annotations

import math
from typing import Dict, Sequence

import torch
from torch import Tensor
from torch.nn import functional

#: The smallest scale that a distribution may claim, in spreads of the target.
_SMALLEST = 1e-3


class Objective:
    """``parameters`` is the number of values per target that the model gives; they come as (batch, horizons, parameters)."""

    parameters = 1

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over batch and horizons, a scalar."""
        raise NotImplementedError

    def point(self, output: Tensor) -> Tensor:
        """The forecast itself, (batch, horizons)."""
        return output[..., 0]

    def spread(self, output: Tensor) -> Dict[str, Tensor]:
        """What is known of the uncertainty, each (batch, horizons) and in the unit of the target."""
        return {}


class MeanSquaredError(Objective):
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(self.point(output), target)


class GaussianNll(Objective):
    """Negative log likelihood of a normal distribution: mean and standard deviation."""

    parameters = 2

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return -torch.distributions.Normal(output[..., 0], _positive(output[..., 1])).log_prob(target).mean()

    def spread(self, output: Tensor) -> Dict[str, Tensor]:
        return {"std": _positive(output[..., 1])}


class StudentT(Objective):
    """Negative log likelihood of Student's t distribution: location, scale and degrees of freedom (above 2, so that there is a variance)."""

    parameters = 3

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        distribution = torch.distributions.StudentT(self._freedom(output), output[..., 0], _positive(output[..., 1]))
        return -distribution.log_prob(target).mean()

    def spread(self, output: Tensor) -> Dict[str, Tensor]:
        freedom = self._freedom(output)
        return {"std": _positive(output[..., 1]) * torch.sqrt(freedom / (freedom - 2)), "degrees_of_freedom": freedom}

    @staticmethod
    def _freedom(output: Tensor) -> Tensor:
        return 2.01 + functional.softplus(output[..., 2])


class Quantiles(Objective):
    """Pinball loss. The forecast is the median; quantiles are put in order, which a free output does not promise."""

    def __init__(self, quantiles: Sequence[float]) -> None:
        self.quantiles = list(quantiles)
        self.parameters = len(self.quantiles)
        self._median = self.quantiles.index(0.5)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        levels = torch.tensor(self.quantiles, dtype=output.dtype, device=output.device)
        error = target.unsqueeze(-1) - output
        return torch.maximum(levels * error, (levels - 1) * error).mean()

    def point(self, output: Tensor) -> Tensor:
        return output.sort(dim=-1).values[..., self._median]

    def spread(self, output: Tensor) -> Dict[str, Tensor]:
        ordered = output.sort(dim=-1).values
        return {"q{:g}".format(100 * level): ordered[..., at] for at, level in enumerate(self.quantiles)}


def make_objective(name: str, quantiles: Sequence[float]) -> Objective:
    """``gaussian_nll``, ``student_t``, ``quantile`` or ``mse``."""
    if name == "quantile":
        return Quantiles(quantiles)
    return {"gaussian_nll": GaussianNll, "student_t": StudentT, "mse": MeanSquaredError}[name]()


def _positive(raw: Tensor) -> Tensor:
    """Above 0, and 1 at 0: training begins with the spread of the data."""
    return _SMALLEST + functional.softplus(raw + math.log(math.expm1(1.0)))
