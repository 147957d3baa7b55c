"""Several machines on this one: each with an address, a name, processes, temporary folders and a home of its own.

A machine is a process that holds Linux namespaces (network, host name, mounts, processes, IPC); a switch, which is another,
joins them by virtual cables. Nothing is left of them when the processes end: no address, mount or bridge of this machine
itself is touched. Root is needed. What they share is the kernel, the clock, the cores, and what is installed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PRIVATE = ("/tmp", "/run", "/dev/shm", "/home", "/srv", "/var/tmp", "/var/spool", "/var/log", "/var/lib")
"""Folders that each machine has to itself, empty."""
KEPT = tuple(dict.fromkeys([str(ROOT), sys.prefix]))
"""Folders that all have, as if installed on each: this repository and the environment of Python."""
PROGRAMS = ("ip", "tc", "unshare", "nsenter", "setpriv", "mount")
DYING = ("setpriv", "--pdeathsig", "KILL")
"""In front of what must not outlive this process."""
RELAY = (sys.executable, "-S", str(Path(__file__).with_name("relay.py")))
HOLD = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); print(flush=True)\nwhile True: signal.pause()"
"""First process of a machine: takes in orphans, and waits."""


def lacking() -> str:
    """Why no machines can be made here; empty where they can."""
    if os.geteuid() != 0:
        return "machines are made of namespaces, which only root may make"
    gone = [name for name in PROGRAMS if shutil.which(name) is None]
    if gone:
        return f"{', '.join(gone)} not installed: apt install iproute2 util-linux mount"
    held = subprocess.run(
        ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "true"], capture_output=True, text=True
    )
    return f"no namespaces here: {held.stderr.strip()}" if held.returncode else ""


@dataclass
class Host:
    """A machine."""

    name: str
    address: str
    holder: subprocess.Popen[str]
    network: Network
    environment: dict[str, str] = field(default_factory=dict)
    """Of everything that is run on it."""

    @property
    def init(self) -> int:
        """Its first process, as this machine numbers it."""
        (child,) = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        return int(child)

    def path(self, path: str) -> Path:
        """A path of it, as this machine reaches it."""
        return Path(f"/proc/{self.init}/root{path}")

    def command(self, *words: str) -> list[str]:
        """What runs these words on it."""
        given = {
            "HOME": "/home",
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
        } | self.environment
        told = [f"{name}={value}" for name, value in given.items()]
        return ["nsenter", "-t", str(self.init), "-a", "--wd=/home", "env", "-i", *told, *words]

    def run(
        self, *words: str, check: bool = True, timeout: float = 300, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run words to their end."""
        done = subprocess.run(
            self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **more
        )
        if check and done.returncode:
            raise RuntimeError(
                f"{self.name}: {shlex.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Start words, whose output goes to a file of the network's folder named after both."""
        log = self.network.folder / f"{self.name}-{Path(words[0]).name}.log"
        with log.open("ab") as file:
            return subprocess.Popen(
                self.command(*words), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )

    def cut(self) -> None:
        """Pull its cable; the machine goes on."""
        self.network.on_switch("ip", "link", "set", self.name, "down")

    def join(self) -> None:
        """Put the cable back."""
        self.network.on_switch("ip", "link", "set", self.name, "up")

    def slow(self, rate: str) -> None:
        """Let its cable carry so much in each direction, such as `1mbit`, and queue the rest."""
        words = ("root", "tbf", "rate", rate, "burst", "16kbit", "latency", "2s")
        self.network.on_switch("tc", "qdisc", "replace", "dev", self.name, *words)
        self.run("tc", "qdisc", "replace", "dev", "eth0", *words)

    @contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        """Each frame over its cable takes so long, in each direction."""
        switch, far, near = self.network.on_switch, f"{self.name}-far", f"{self.name}-near"
        switch("ip", "link", "add", far, "up", "type", "veth", "peer", "name", near)
        switch(*RELAY, near)
        self.run(*RELAY, "eth0")
        switch("ip", "link", "set", near, "master", "switch", "up")
        switch("ip", "link", "set", self.name, "nomaster")
        carrier = subprocess.Popen([*DYING, *self.network.at_switch(*RELAY, far, self.name, str(seconds))])
        try:
            yield
        finally:
            carrier.kill()
            carrier.wait()
            switch("ip", "link", "del", far)
            switch("ip", "link", "set", self.name, "master", "switch")

    def die(self) -> None:
        """As without power: all processes at once, and no word to anybody."""
        os.kill(self.init, 9)
        self.holder.wait()


class Network:
    """Machines on one switch, their files below a folder."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder = folder
        self._switch = _hold("unshare", "--net")
        self.on_switch("ip", "link", "add", "switch", "type", "bridge")
        self.on_switch("ip", "link", "set", "switch", "up")
        self._hosts_file = folder / "hosts"
        addresses = {name: f"10.77.0.{number}" for number, name in enumerate(names, 1)}
        lines = [f"{address} {name}\n" for name, address in addresses.items()]
        self._hosts_file.write_text("127.0.0.1 localhost\n" + "".join(lines))
        self.hosts: dict[str, Host] = {}
        for name, address in addresses.items():
            self.start(name, address)

    def start(self, name: str, address: str) -> Host:
        """Give a machine power, its disks empty."""
        setup = self.folder / f"{name}.sh"
        setup.write_text(_setup(name, self._hosts_file))
        unshare = (
            "unshare",
            "--net",
            "--uts",
            "--ipc",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
        )
        holder = _hold(*unshare, "sh", str(setup))
        host = self.hosts[name] = Host(name, address, holder, self)
        pair = ("type", "veth", "peer", "name", "eth0", "netns", str(host.init))
        self.on_switch("ip", "link", "add", name, *pair)
        self.on_switch("ip", "link", "set", name, "master", "switch", "up")
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
        return host

    def at_switch(self, *words: str) -> list[str]:
        """What runs words where the cables end."""
        return ["nsenter", "-t", str(self._switch.pid), "-n", *words]

    def on_switch(self, *words: str) -> None:
        """Run words where the cables end."""
        subprocess.run(self.at_switch(*words), check=True, capture_output=True)

    def end(self) -> None:
        """Take everything down."""
        for holder in (*(host.holder for host in self.hosts.values()), self._switch):
            holder.kill()
            holder.wait()

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def _hold(*words: str) -> subprocess.Popen[str]:
    """Start the holder of some namespaces; it is ready when this returns."""
    holder = subprocess.Popen(
        [*DYING, *words, sys.executable, "-S", "-c", HOLD],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None, "asked for"
    if not holder.stdout.readline():
        raise RuntimeError(f"no namespaces: {shlex.join(words)} ended with {holder.wait()}")
    return holder


def _setup(name: str, hosts_file: Path) -> str:
    """A shell script that makes a new mount namespace a machine's own, then runs its arguments there."""
    lines = ["set -e", f"hostname {name}", "mount -n -t proc proc /proc"]
    lines += [f"mount -n --bind {shlex.quote(str(hosts_file))} /etc/hosts"]
    kept = [path for path in (*KEPT, str(hosts_file.parent)) if path.startswith(PRIVATE)]
    for folder in PRIVATE:
        lines.append("mount -n -t tmpfs tmpfs /mnt")
        for path in (path for path in kept if path.startswith(f"{folder}/")):
            there = shlex.quote(f"/mnt{path.removeprefix(folder)}")
            lines += [f"mkdir -p {there}", f"mount -n --bind {shlex.quote(path)} {there}"]
        lines.append(f"mount -n --move /mnt {folder}")
    lines += ["chmod 1777 /tmp /var/tmp /dev/shm", "mkdir -p /run/lock", 'exec "$@"']
    return "\n".join(lines) + "\n"


def wait_for(what: str, there: Any, patience_s: float = 120.0, look_s: float = 0.2) -> Any:
    """What a function returns once that is something. Raises TimeoutError."""
    deadline = time.monotonic() + patience_s
    while not (found := there()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not in {patience_s:.0f} s")
        time.sleep(look_s)
    return found
