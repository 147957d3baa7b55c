"""One epoch of selector training: ours against a plain loop that expands the candidates for every trajectory.

    python benchmarks/selector_training.py [--device cpu|cuda] [--rounds 3] [--threads 2] [--cpu-seconds] [--compiled]

5,000 queries, 10 trajectories each, 64 candidates of width 512, hidden width 256, two shots, RCE, AdamW, gradient clip,
dropout 0.1 on both sides. The plain side is the published way to do it: a data set of records, a loader, every trajectory
with its own copy of the pool, one loss read back per step. Both sides alternate in blocks of steps in one process; a figure
is the median over blocks, scaled to the epoch. First both sides train the same weights for a few steps without dropout,
and their losses must agree.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in every job: threads that spin starve the others

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from db.specs import TrainSpec
from db.specs.selector import PUBLISHED
from engine.selector import PointerSelector
from engine.training.batches import Resident
from engine.training.group_tensors import GroupTensors
from engine.training.objectives import Imitation
from engine.training.optimizer import FlatAdamW
from engine.training.stack import Stack
from engine.training.stepper import Stepper, precision, threads_for

QUERIES, ROWS, POOL, WIDTH, HIDDEN, PATHS, SHOTS = 5000, 9009, 64, 512, 256, 10, 2
RATE = 1e-4
BATCH = 32
SWEEP = 32


@dataclass(frozen=True)
class Data:
    """The same synthetic groups for both sides."""

    rows: Tensor
    pools: Tensor
    pointers: Tensor
    rewards: Tensor


def make_data(seed: int = 3) -> Data:
    """Random unit vectors, pools, pointers and rewards."""
    generator = torch.Generator().manual_seed(seed)
    rows = F.normalize(torch.randn(ROWS, WIDTH, generator=generator), dim=-1)
    pools = torch.stack([torch.randperm(ROWS, generator=generator)[:POOL] for _ in range(QUERIES)])
    pointers = torch.rand(QUERIES, PATHS, POOL, generator=generator).argsort(-1)[..., :SHOTS].contiguous()
    rewards = torch.randint(0, 2, (QUERIES, PATHS), generator=generator) * 1.6
    return Data(rows, pools, pointers, rewards + 0.4 * torch.rand(QUERIES, PATHS, generator=generator))


class PlainSelector(nn.Module):
    """The published network, one trajectory at a time: queries (N, d), pools (N, K, d), labels (N, S) -> logits."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.input_proj = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.cross_attn_layers = nn.ModuleList([nn.MultiheadAttention(HIDDEN, 1, dropout=dropout, batch_first=True)])
        self.attn_norms = nn.ModuleList([nn.LayerNorm(HIDDEN)])
        self.query_proj, self.cand_proj = (nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in range(2))
        self.query_update_gate = nn.Linear(2 * HIDDEN, HIDDEN)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, pool: Tensor, labels: Tensor) -> Tensor:
        """Logits (N, S, K)."""
        query, pool = self.input_proj(query)[:, None], self.input_proj(pool)
        query = self.attn_norms[0](query + self.cross_attn_layers[0](query, pool, pool)[0])[:, 0]
        state = F.normalize(self.query_proj(self.dropout(query)), dim=-1)
        pool = F.normalize(self.cand_proj(self.dropout(pool)), dim=-1)
        chosen = torch.zeros(pool.shape[:2], dtype=torch.bool, device=pool.device)
        steps = []
        for step in range(labels.shape[1]):
            scores = torch.matmul(pool, state[..., None])[..., 0] / 0.1
            steps.append(scores.masked_fill(chosen, -100.0))
            label = labels[:, step]
            chosen = chosen.scatter(1, label[:, None], True)
            picked = pool[torch.arange(len(pool), device=pool.device), label]
            gate = torch.sigmoid(self.query_update_gate(torch.cat([state, picked], dim=-1)))
            state = F.normalize(gate * state + (1 - gate) * picked, dim=-1)
        return torch.stack(steps, dim=1)


class Records(Dataset[dict[str, Tensor]]):
    """Groups as Python lists, turned into tensors one by one, as a loader over a JSON file does it."""

    def __init__(self, data: Data) -> None:
        self.rows = data.rows
        self.records = list(zip(data.pools.tolist(), data.pointers.tolist(), data.rewards.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        pool, pointers, rewards = self.records[index]
        return {
            "query": self.rows[index],
            "pool": self.rows[torch.tensor(pool)],
            "labels": torch.tensor(pointers),
            "rewards": torch.tensor(rewards, dtype=torch.float32),
        }


class Plain:
    """The plain loop."""

    def __init__(self, data: Data, batch: int, device: torch.device, dropout: float = 0.1) -> None:
        self.device = device
        self.net = PlainSelector(dropout).to(device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=RATE)
        self.loader = DataLoader(Records(data), batch_size=batch, shuffle=True)
        self._batches: Iterator[dict[str, Tensor]] = iter(())

    def block(self, steps: int) -> None:
        """Some steps."""
        for _ in range(steps):
            self.step(self._next())

    def step(self, batch: dict[str, Tensor]) -> float:
        """One optimiser step; returns the loss."""
        query, pool, labels, rewards = (batch[name].to(self.device) for name in ("query", "pool", "labels", "rewards"))
        count, paths, shots = labels.shape
        self.optimizer.zero_grad()
        each_query = query[:, None].expand(-1, paths, -1).reshape(count * paths, -1)
        each_pool = pool[:, None].expand(-1, paths, -1, -1).reshape(count * paths, *pool.shape[1:])
        logits = self.net(each_query, each_pool, labels.reshape(count * paths, shots))
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape).sum(-1)
        loss = (F.softmax(rewards, dim=-1) * losses).sum(-1).mean()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()

    def _next(self) -> dict[str, Tensor]:
        found = next(self._batches, None)
        if found is None:
            self._batches = iter(self.loader)
            found = next(self._batches)
        return found


class Ours:
    """Resident tensors, one encoding of each pool, the flat optimiser and, on a GPU, the recorded step."""

    def __init__(
        self, data: Data, batch: int, device: torch.device, *, runs: int = 1, kind: str = "float32",
        dropout: float = 0.1, start: PointerSelector | None = None, compiled: bool = False, use_graph: bool = True,
    ) -> None:  # fmt: skip
        self.device, self.batch, self.kind = device, batch, kind
        selectors = [start or selector(dropout) for _ in range(runs)]
        spec = TrainSpec(rl_data="synthetic", embeddings="synthetic", rce_reward="raw")
        resident = Resident(groups_of(data), data.rows, data.rows, device)
        self.stack = Stack(selectors, SHOTS, device, compiled=compiled)
        objective = Imitation(resident, spec, runs)
        optimizer = FlatAdamW(self.stack, self.stack.trained(False), [0.01] * runs, clip=1.0)
        optimizer.lr.fill_(RATE)
        self.stepper = Stepper(self.stack, resident, objective, optimizer, freeze_backbone=False, use_graph=use_graph)
        self.stack.train(dropout > 0)
        self._order: Iterator[tuple[Any, Tensor]] = iter(())

    def block(self, steps: int) -> None:
        """Some steps, with the epoch's numbers read at the end."""
        work = 3.0 * self.batch * POOL * HIDDEN * (WIDTH + HIDDEN)
        with threads_for(work, self.device), precision(self.device, self.kind):
            for _ in range(steps):
                self.stepper.step(*self._next())
        self.stepper.read()

    def losses(self, batches: Tensor) -> list[float]:
        """Losses of single steps over given groups (steps, B)."""
        found = []
        with precision(self.device, self.kind):
            for index in batches:
                self.stepper.step(index[None].numpy(), index[None].to(self.device))
                found.append(self.stepper.read()["rce_loss"][0])
        return found

    def _next(self) -> tuple[Any, Tensor]:
        found = next(self._order, None)
        if found is None:
            order = torch.randperm(QUERIES)[: QUERIES // self.batch * self.batch].view(-1, 1, self.batch)
            self._order = iter(list(zip(order.numpy(), order.to(self.device), strict=True)))
            found = next(self._order)
        return found


def selector(dropout: float) -> PointerSelector:
    """The network of the published v3."""
    return PointerSelector(PUBLISHED["v3"], WIDTH, HIDDEN, dropout=dropout, attn_dropout=dropout, shots=SHOTS)


def groups_of(data: Data) -> GroupTensors:
    """The data as training holds them."""
    return GroupTensors(
        query_rows=torch.arange(QUERIES), pool=data.pools, pool_mask=None, pointers=data.pointers, raw=data.rewards,
        normalized=data.rewards, mask=torch.ones_like(data.rewards, dtype=torch.bool),
        sizes=np.full(QUERIES, PATHS), pool_sizes=np.full(QUERIES, POOL),
    )  # fmt: skip


def sync(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def check_losses(data: Data, device: torch.device) -> float:
    """Both sides train the same weights on the same batches without dropout; the largest relative difference of losses."""
    torch.manual_seed(0)
    start = selector(0.0)
    plain = Plain(data, BATCH, device, dropout=0.0)
    plain.net.load_state_dict(start.state_dict())
    batches = torch.randperm(QUERIES)[: 4 * BATCH].view(4, BATCH)
    theirs = []
    for index in batches:
        pools = data.rows[data.pools[index]]
        batch = {
            "query": data.rows[index],
            "pool": pools,
            "labels": data.pointers[index],
            "rewards": data.rewards[index],
        }
        theirs.append(plain.step(batch))
    differences = []
    for runs in (1, 3):
        ours = Ours(data, BATCH, device, runs=runs, dropout=0.0, start=start).losses(batches)
        differences += [abs(a - b) / abs(b) for a, b in zip(ours, theirs, strict=True)]
    return max(differences)


@dataclass(frozen=True)
class Side:
    """One line of the table."""

    name: str
    block: Callable[[int], None]
    steps: int
    """Steps in a block."""
    batch: int
    runs: int = 1


def measure(sides: list[Side], rounds: int, device: torch.device, clock: Callable[[], float]) -> dict[str, float]:
    """Median seconds of an epoch for each run of each side; the sides take turns."""
    for side in sides:
        side.block(2)
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            sync(device)
            started = clock()
            side.block(side.steps)
            sync(device)
            times[side.name].append((clock() - started) / side.steps * QUERIES / side.batch / side.runs)
    return {name: statistics.median(values) for name, values in times.items()}


def cpu_sides(data: Data, device: torch.device) -> list[Side]:
    """Short blocks: a plain step takes about a second."""
    return [
        Side("plain, 32 a step", Plain(data, BATCH, device).block, 3, BATCH),
        Side("ours, 32 a step", Ours(data, BATCH, device).block, 30, BATCH),
        Side("plain, 1 a step", Plain(data, 1, device).block, 30, 1),
        Side("ours, 1 a step", Ours(data, 1, device).block, 150, 1),
    ]


def plain_sides(data: Data, device: torch.device) -> list[Side]:
    """The plain loop on a GPU: an epoch at 32 queries a step, a part of one at 1."""
    return [
        Side("plain, 32 a step", Plain(data, BATCH, device).block, QUERIES // BATCH, BATCH),
        Side("plain, 1 a step", Plain(data, 1, device).block, 400, 1),
    ]


def gpu_sides(data: Data, device: torch.device, kind: str, compiled: bool = False) -> list[Side]:
    """Ours on a GPU: whole epochs, but for 1 query a step."""
    options: dict[str, Any] = {"kind": kind, "compiled": compiled}
    label = f"{kind}, compiled" if compiled else kind
    sweep = Ours(data, BATCH, device, runs=SWEEP, **options)
    return [
        Side(f"ours, 32 a step, {label}", Ours(data, BATCH, device, **options).block, 2 * (QUERIES // BATCH), BATCH),
        Side(f"ours, 1 a step, {label}", Ours(data, 1, device, **options).block, 2000, 1),
        Side(f"ours, {SWEEP} runs of 32, {label}", sweep.block, QUERIES // BATCH, BATCH, SWEEP),
    ]


def profile(data: Data, device: torch.device) -> None:
    """Kernels of one of our steps, run eagerly."""
    ours = Ours(data, BATCH, device, use_graph=False)
    ours.block(3)
    activities = (
        [torch.profiler.ProfilerActivity.CUDA] if device.type == "cuda" else [torch.profiler.ProfilerActivity.CPU]
    )
    with torch.profiler.profile(activities=activities) as found:
        ours.block(1)
    kernels = found.key_averages()
    print(f"operations in a step: {sum(kernel.count for kernel in kernels)}")
    key = "self_cuda_time_total" if device.type == "cuda" else "self_cpu_time_total"
    print(kernels.table(sort_by=key, row_limit=25, max_name_column_width=70))


def show(seconds: dict[str, float], device: torch.device, unit: str, difference: float) -> None:
    """Print the table."""
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"\n{where}, torch {torch.__version__}, losses agree to {difference:.0e} of their size")
    print(f"{'one epoch of 5,000 queries, for each run':42} {unit:>9} {'x plain 32':>11} {'x plain 1':>10}")
    for name, value in seconds.items():
        against = (seconds["plain, 32 a step"] / value, seconds["plain, 1 a step"] / value)
        print(f"{name:42} {value:9.4f} {against[0]:11.1f} {against[1]:10.1f}", flush=True)


def main() -> int:
    """Check, measure, print a table; 1 if the losses do not agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="threads of PyTorch on a CPU; 0 leaves them as they are")
    parser.add_argument("--cpu-seconds", action="store_true", help="count CPU time, for a machine that others use too")
    parser.add_argument("--profile", action="store_true", help="list the operations of a step at the end")
    parser.add_argument("--compiled", action="store_true", help="measure the compiled network as well (a minute more)")
    arguments = parser.parse_args()
    clock, unit = (time.process_time, "CPU s") if arguments.cpu_seconds else (time.perf_counter, "s")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device, rounds = torch.device(arguments.device), arguments.rounds
    data = make_data()
    difference = check_losses(data, device)
    if device.type == "cpu":
        show(measure(cpu_sides(data, device), rounds, device, clock), device, unit, difference)
    else:
        plain = plain_sides(data, device)
        ours = [side for kind in ("float32", "tf32") for side in gpu_sides(data, device, kind)]
        show(measure(plain + ours, rounds, device, clock), device, unit, difference)
        if arguments.compiled:
            sides = plain + gpu_sides(data, device, "tf32", compiled=True)
            show(measure(sides, rounds, device, clock), device, unit, difference)
    if arguments.profile:
        profile(data, device)
    return int(difference > 1e-6)


if __name__ == "__main__":
    raise SystemExit(main())
