"""Whether a folder lies on a disk that other machines share: there SQLite's write-ahead log is not safe."""

from __future__ import annotations

import os
import re
from pathlib import Path

ALLOWED = "LEVERPLUS_NETWORK_DISK"
"""Set to 1 by those whose home only one machine ever opens."""
SHARED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "pvfs2",
     "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse"}
)  # fmt: skip
MOUNTS = Path("/proc/self/mounts")


def shared_disk(path: Path, mounts: Path = MOUNTS) -> str:
    """The kind of network disk that a path lies on, such as `nfs4`; empty on a local one, and where it cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        _, at, found, *_ = line.split(" ")
        at = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), at)
        inside = place == at or place.startswith(at.rstrip("/") + "/")
        if inside and len(at) >= len(best):
            best, kind = at, found
    return kind if kind in SHARED and os.environ.get(ALLOWED) != "1" else ""
