"""Times the doctor on a large Lightning checkpoint (a selector beside CLIP-sized tensors), against reading all its bytes.

python benchmarks/doctor_headers.py [--megabytes 600] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JUDGE = (
    "import sys, time; start = time.perf_counter(); from pathlib import Path; from engine.doctor.examine import examine; "
    "report = examine(Path(sys.argv[1]), expect={'variant': 'v3'}); print(time.perf_counter() - start, len(report.findings))"
)


def write_lightning(path: Path, megabytes: int) -> None:
    """A Lightning container with 400 encoder tensors that fill `megabytes`, and a selector of d=512, H=256."""
    import torch

    from tests.helpers_checkpoints import make_tensors, prefixed

    state = prefixed(make_tensors("v3", d_model=512, hidden_dim=256), "lever_lm.pointer_selector.")
    each = megabytes * 1_000_000 // 4 // 400
    state |= {f"lever_lm.sen_model.layers.{i}.weight": torch.randn(each) for i in range(400)}
    torch.save({"epoch": 3, "global_step": 9, "pytorch-lightning_version": "2.0.0", "state_dict": state}, path)


def main() -> None:
    """Alternate judging and reading, print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "selector.ckpt"
        write_lightning(path, arguments.megabytes)
        judged, read = [], []
        for _ in range(arguments.rounds):
            output = subprocess.run(
                [sys.executable, "-c", JUDGE, str(path)], capture_output=True, text=True, check=True
            ).stdout
            judged.append(float(output.split()[0]))
            start = time.perf_counter()
            path.read_bytes()
            read.append(time.perf_counter() - start)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {arguments.rounds} rounds, medians")
        print(
            f"judged in {statistics.median(judged):.2f} s (imports and SHA-256 included), findings: {output.split()[1]}"
        )
        print(f"all bytes read in {statistics.median(read):.2f} s")


if __name__ == "__main__":
    main()
