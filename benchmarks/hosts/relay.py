"""A cable that delays: carries frames between two interfaces, each a while after it came. Few kernels have `netem`.

`python -S relay.py ONE OTHER SECONDS` carries; `python -S relay.py NAME` lets an interface finish its frames itself, for
whoever carries them sees them before a device would have.
"""

import array
import fcntl
import select
import socket
import struct
import sys
import time
from collections import deque

ALL_PROTOCOLS, OUTGOING = 3, 4
ETHTOOL = 0x8946
CHECKSUMS, SEGMENTS, LARGE_ONES, MERGED = 0x17, 0x1F, 0x24, 0x2C
"""What devices do for the kernel, by numbers of `linux/ethtool.h`."""


def finish(name: str) -> None:
    """Whole frames with their checksums leave this interface."""
    with socket.socket() as any_socket:
        for what in (CHECKSUMS, SEGMENTS, LARGE_ONES, MERGED):
            off = array.array("B", struct.pack("II", what, 0))
            fcntl.ioctl(any_socket, ETHTOOL, struct.pack("16sP", name.encode(), off.buffer_info()[0]))


def carry(one: str, other: str, seconds: float) -> None:
    """For ever."""
    ends = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS)) for _ in (one, other)]
    for end, name in zip(ends, (one, other), strict=True):
        end.bind((name, 0))
    across = {ends[0]: ends[1], ends[1]: ends[0]}
    under_way: deque[tuple[float, socket.socket, bytes]] = deque()
    while True:
        patience = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        for end in select.select(ends, [], [], patience)[0]:
            frame, sender = end.recvfrom(1 << 16)
            if sender[2] != OUTGOING:
                under_way.append((time.monotonic() + seconds, across[end], frame))
        while under_way and under_way[0][0] <= time.monotonic():
            _, end, frame = under_way.popleft()
            end.send(frame)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        finish(sys.argv[1])
    else:
        carry(sys.argv[1], sys.argv[2], float(sys.argv[3]))
