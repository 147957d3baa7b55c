"""The weights of R selectors of one shape in one flat tensor: trained together, clipped and stepped as a whole."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from db.specs import UserError
from engine.selector import PointerSelector
from engine.training.batches import Batch
from engine.training.dropout import BitDropout
from engine.training.losses import pick_losses

BACKBONE = ("input_proj", "query_proj", "cand_proj")
"""Parameters whose name contains one of these are the backbone that GRPO may leave as it is."""


class PickScores(nn.Module):
    """A selector whose forward pass gives the log-probability of each pick (B, P, S), or minus its smoothed cross-entropy;
    a module, so that torch.func can batch it."""

    def __init__(self, net: PointerSelector, label_smoothing: float) -> None:
        super().__init__()
        self.net, self.label_smoothing = net, label_smoothing

    def forward(self, query: Tensor, pool: Tensor, pointers: Tensor, pool_mask: Tensor | None) -> Tensor:
        """Queries (B, d), pools (B or 1, K, d), pointers (B, P, S), mask (B, K)."""
        if self.label_smoothing:
            return -pick_losses(self.net.logits(query, pool, pointers, pool_mask), pointers, self.label_smoothing)
        return self.net.label_log_probs(query, pool, pointers, pool_mask)


class Logits(nn.Module):
    """A selector whose forward pass gives all teacher-forced logits (B, P, S, K)."""

    def __init__(self, net: PointerSelector) -> None:
        super().__init__()
        self.net = net

    def forward(self, query: Tensor, pool: Tensor, pointers: Tensor, pool_mask: Tensor | None) -> Tensor:
        """Queries (B, d), pools (B or 1, K, d), pointers (B, P, S), mask (B, K)."""
        return self.net.logits(query, pool, pointers, pool_mask)


class Stack:
    """R selectors: `flat` (R, N) holds their weights, the trained ones first; one selector runs without batching."""

    def __init__(
        self, selectors: Sequence[PointerSelector], shots: int, device: torch.device, *, compiled: bool = False
    ) -> None:
        self.compiled = compiled
        """Training steps run through PyTorch's compiler, which wants batches of one shape."""
        self.runs = len(selectors)
        self.net = copy.deepcopy(selectors[0]).to(device)
        if device.type == "cpu" and self.runs == 1:
            self.net.dropout = BitDropout(self.net.dropout.p)
        shapes = {name: value.shape for name, value in self.net.named_parameters()}
        idle = _idle(selectors[0], shots)
        ranks = {name: 2 if name in idle else int(any(part in name for part in BACKBONE)) for name in shapes}
        self.names = sorted(shapes, key=lambda name: ranks[name])
        self._trained = [sum(rank <= limit for rank in ranks.values()) for limit in (0, 1)]
        self.sizes = [shapes[name].numel() for name in self.names]
        states = [dict(selector.named_parameters()) for selector in selectors]
        rows = [torch.cat([state[name].detach().reshape(-1) for name in self.names]) for state in states]
        self.flat = torch.stack(rows).to(device)
        self.grad = torch.zeros_like(self.flat)
        self._ones = torch.ones(self.runs, device=device)
        self._leaves = dict(zip(self.names, self._views(shapes), strict=True))
        self._modules: dict[float | None, nn.Module] = {}
        self._compiled_call = torch.compile(self._call, dynamic=False) if compiled else self._call

    def trained(self, freeze_backbone: bool) -> int:
        """How many of the first numbers of each row are trained."""
        return sum(self.sizes[: self._trained[0 if freeze_backbone else 1]])

    def parameters(self) -> int:
        """Numbers in one selector."""
        return sum(self.sizes)

    def training_scores(self, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
        """Log-probability of each pick (R, B, P, S), by the compiled network where that was asked for. With smoothing, minus
        the smoothed cross-entropy."""
        try:
            return self._compiled_call(self._module(label_smoothing), batch)
        except RuntimeError as error:
            if not self.compiled:
                raise
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"compile=true: PyTorch could not compile the network ({reason}); train without it"
            ) from error

    def log_probs(self, batch: Batch) -> Tensor:
        """Log-probability of each pick (R, B, P, S), for batches of any shape."""
        return self._call(self._module(0.0), batch)

    def logits(self, batch: Batch) -> Tensor:
        """Teacher-forced logits (R, B, P, S, K)."""
        return self._call(self._module(None), batch)

    def differentiate(self, loss: Tensor, freeze_backbone: bool) -> None:
        """Put the gradient of the runs' losses (R,) into `grad`."""
        count = self._trained[0 if freeze_backbone else 1]
        leaves = [self._leaves[name] for name in self.names[:count]]
        parts = torch.autograd.grad(loss, leaves, self._ones, materialize_grads=True)
        grad = self.grad[:, : self.trained(freeze_backbone)]
        torch.cat([part.reshape(self.runs, -1) for part in parts], dim=1, out=grad)

    def selector(self, run: int, weights: Tensor | None = None) -> PointerSelector:
        """A copy of one selector on the CPU in eval mode, optionally with other `weights` (N,)."""
        row = (self.flat[run] if weights is None else weights).detach().cpu()
        copied = copy.deepcopy(self.net).cpu().eval()
        parameters = dict(copied.named_parameters())
        with torch.no_grad():
            for name, part in zip(self.names, torch.split(row, self.sizes), strict=True):
                parameters[name].data = part.view_as(parameters[name]).clone()
        return copied

    def train(self, dropout: bool) -> None:
        """Switch dropout on or off."""
        self.net.train(dropout)

    def _views(self, shapes: dict[str, torch.Size]) -> list[Tensor]:
        parts = torch.split(self.flat, self.sizes, dim=1)
        if self.runs > 1:
            named = zip(self.names, parts, strict=True)
            return [part.view(self.runs, *shapes[name]).detach().requires_grad_() for name, part in named]
        parameters = dict(self.net.named_parameters())
        for name, part in zip(self.names, parts, strict=True):
            parameters[name].data = part[0].view(shapes[name])
        return [parameters[name] for name in self.names]

    def _module(self, label_smoothing: float | None) -> nn.Module:
        if label_smoothing not in self._modules:
            made = Logits(self.net) if label_smoothing is None else PickScores(self.net, label_smoothing)
            self._modules[label_smoothing] = made
        return self._modules[label_smoothing]

    def _call(self, module: nn.Module, batch: Batch) -> Tensor:
        inputs = (batch.query, batch.pool, batch.pointers, batch.pool_mask)
        if self.runs == 1:
            single = [None if value is None else value[0] for value in inputs]
            alone: Tensor = module(*single)
            return alone[None]
        shared = [value is None or value.shape[0] == 1 for value in inputs]
        given = [value[0] if value is not None and same else value for value, same in zip(inputs, shared, strict=True)]

        def call(leaves: dict[str, Tensor], *values: Tensor | None) -> Tensor:
            result: Tensor = functional_call(module, {f"net.{name}": leaf for name, leaf in leaves.items()}, values)
            return result

        dims = (0, *(None if same else 0 for same in shared))
        results: Tensor = vmap(call, in_dims=dims, randomness="different")(self._leaves, *given)
        return results


def _idle(selector: PointerSelector, shots: int) -> set[str]:
    """Parameters that pointers of this length never use: they get no gradient, hence no weight decay either."""
    net = copy.deepcopy(selector).eval()
    width = net.sizes.d_model
    with torch.enable_grad():
        losses = net.label_log_probs(
            torch.ones(1, width), torch.ones(1, shots + 1, width), torch.arange(shots)[None, None]
        )
        named = dict(net.named_parameters())
        found = torch.autograd.grad(losses.sum(), list(named.values()), allow_unused=True)
    return {name for name, gradient in zip(named, found, strict=True) if gradient is None}
