"""How busy this machine is, read from the kernel and from nvidia-smi: for one line while a job runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from leverplus_tui.text.language import shown

PROC = Path("/proc")
GPU = ("--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")
PATIENCE_S = 2.0


class System:
    """Asked again and again in a thread; a share is of the time since the last asking."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._before: tuple[int, int] | None = None
        self._smi = shutil.which("nvidia-smi")

    def line(self) -> str:
        """`cpu 62 %   memory 3.1/16.3 GB   gpu0 71 % 31/80 GB`: whatever can be known."""
        return "   ".join(part for part in (self._cpu(), self._memory(), *self._gpus()) if part)

    def _cpu(self) -> str:
        try:
            head = (self._proc / "stat").read_text().split("\n", 1)[0].split()[1:]
        except OSError:
            return ""
        times = [int(part) for part in head]
        total, idle = sum(times[:8]), times[3] + times[4]
        before, self._before = self._before, (total, idle)
        if before is None or total == before[0]:
            return ""
        return shown(f"cpu {100 * (1 - (idle - before[1]) / (total - before[0])):.0f} %")

    def _memory(self) -> str:
        try:
            lines = (self._proc / "meminfo").read_text().splitlines()
        except OSError:
            return ""
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        total, free = kilobytes.get("MemTotal", 0), kilobytes.get("MemAvailable", 0)
        return shown(f"memory {(total - free) / 1e6:.1f}/{total / 1e6:.1f} GB") if total else ""

    def _gpus(self) -> list[str]:
        if self._smi is None:
            return []
        try:
            told = subprocess.run(
                [self._smi, *GPU],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=True,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError):
            self._smi = None  # a driver that does not answer now would hold every line up
            return []
        found = []
        for index, line in enumerate(told.stdout.splitlines()):
            busy, used, total = (part.strip() for part in line.split(","))
            if used.isdigit() and total.isdigit():
                found.append(f"gpu{index} {busy} % {int(used) / 1024:.0f}/{int(total) / 1024:.0f} GB")
        return found
