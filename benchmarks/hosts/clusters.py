"""What runs on the machines: a disk that all see, a Slurm with its controller apart from its nodes, a Ray cluster."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence

from benchmarks.hosts.network import ROOT, Host, Network, wait_for

SHARED = "/srv/shared"
"""Where the disk that all see is mounted."""
CPUS, MEMORY_MB, GPUS = 2, 4000, 2
"""Of each node of Slurm, as its configuration says; devices are empty files."""
SLURM_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
SFTP = "/usr/lib/openssh/sftp-server"
DISK_PROGRAMS = ("sshfs", "socat", SFTP)
CONFIGURATION = """\
ClusterName=hosts
SlurmctldHost={head}
AuthType=auth/munge
CryptoType=crypto/munge
SlurmUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=30
KillWait=5
MinJobAge=600
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
SlurmdParameters=config_overrides
{nodes}
PartitionName=usual Nodes=ALL Default=YES PriorityTier=1 MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
"""


def lacking(*programs: str) -> str:
    """Which programs are missing, and the packages of Debian that bring them; empty where none is."""
    gone = [name for name in programs if shutil.which(name) is None]
    return (
        f"{', '.join(gone)} not installed: apt install slurm-wlm munge sshfs openssh-sftp-server socat" if gone else ""
    )


def share(server: Host, hosts: Sequence[Host], megabytes: int = 400) -> None:
    """A disk that the server has and the others reach over their cables, by SFTP, with what each remembers of files."""
    server.run("mkdir", SHARED)
    server.run("mount", "-n", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", SHARED)
    server.begin("socat", "TCP-LISTEN:2222,fork,reuseaddr", f"EXEC:{SFTP}")
    for host in hosts:
        if host is not server:
            mount(host, server)


def mount(host: Host, server: Host) -> None:
    """The server's disk on another machine."""
    host.run("mkdir", "-p", SHARED)
    wait_for("the disk", lambda: _mounted(host, server))


def _mounted(host: Host, server: Host) -> bool:
    options = "directport=2222,dir_cache=yes,dcache_timeout=5"
    host.run("sshfs", "-o", options, f"{server.name}:{SHARED}", SHARED, check=False)
    return host.run("mountpoint", "-q", SHARED, check=False).returncode == 0


class Slurm:
    """Slurm on some machines."""

    def __init__(self, network: Network, head: str, nodes: Sequence[str], clients: Sequence[str]) -> None:
        self.network, self.head, self.nodes = network, network.hosts[head], [network.hosts[one] for one in nodes]
        self.clients = [network.hosts[one] for one in clients]
        folder = network.folder / "slurm"
        folder.mkdir()
        self._key, self._conf = folder / "munge.key", folder / "slurm.conf"
        self._key.write_bytes(os.urandom(128))
        self._key.chmod(0o400)
        about = f"CPUS={CPUS} RealMemory={MEMORY_MB} Gres=gpu:{GPUS} State=UNKNOWN"
        lines = [f"NodeName={one.name} NodeAddr={one.address} {about}" for one in self.nodes]
        self._conf.write_text(CONFIGURATION.format(head=f"{head}({self.head.address})", nodes="\n".join(lines)))
        (folder / "gres.conf").write_text(f"Name=gpu File=/run/gpu[0-{GPUS - 1}] Flags=nvidia_gpu_env\n")
        (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        for host in (self.head, *self.clients, *self.nodes):
            self._join(host)
        self.begin_head()
        for node in self.nodes:
            self.begin_node(node)
        wait_for("Slurm's nodes", lambda: self.states().count("IDLE") == len(self.nodes))

    def _join(self, host: Host) -> None:
        """The key, and where the configuration is."""
        host.environment |= {"SLURM_CONF": str(self._conf), "PYTHONPATH": str(ROOT)}
        host.run("mkdir", "-p", "/run/munge", "/var/log/munge", "/var/lib/munge")
        host.run("munged", "--force", f"--key-file={self._key}", "--num-threads=1")

    def begin_head(self) -> None:
        """The controller; its state is on its own disk."""
        self.head.run("mkdir", "-p", "/var/spool/slurmctld")
        self.head.begin("slurmctld", "-D")

    def begin_node(self, node: Host) -> None:
        """The daemon of a node, after a loss of power too."""
        node.run("mkdir", "-p", "/var/spool/slurmd")
        for number in range(GPUS):  # named like a GPU and as empty as /dev/null: Slurm wants a character device
            node.run("mknod", f"/run/gpu{number}", "c", "1", "3")
        node.begin("slurmd", "-D", "-N", node.name)

    def power_on(self, node: Host) -> Host:
        """A machine that was without power, as it starts again."""
        again = self.network.start(node.name, node.address)
        self._join(again)
        self.nodes = [again if one.name == again.name else one for one in self.nodes]
        self.begin_node(again)
        return again

    def states(self) -> list[str]:
        """Of all nodes, by Slurm's own words."""
        told = self.clients[0].run("sinfo", "--noheader", "-N", "-p", "usual", "--format=%T", check=False)
        return [word.upper() for word in told.stdout.split()]

    def job(self, number: str) -> str:
        """What Slurm says of a job."""
        return self.clients[0].run("scontrol", "show", "job", "-o", number, check=False).stdout

    def node_of(self, number: str) -> Host:
        """Where a job runs."""
        word = next(one for one in self.job(number).split() if one.startswith("NodeList="))
        return self.network.hosts[word.partition("=")[2]]


HASTE = {
    "RAY_health_check_failure_threshold": "3", "RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "3000",
}  # fmt: skip
"""A node that says nothing is given up after some ten seconds."""


class Ray:
    """A Ray cluster: a head without work, and nodes with one or more CPUs each."""

    PORT = 6379

    def __init__(self, network: Network, head: str, home: str, nodes: Sequence[str]) -> None:
        self.head, self.home = network.hosts[head], network.hosts[home]
        self.nodes = [network.hosts[one] for one in nodes]
        self.address = f"{self.head.address}:{self.PORT}"
        for host in (self.head, self.home, *self.nodes):
            host.environment |= {"PYTHONPATH": str(ROOT)} | HASTE
        self._begin(self.head, "--head", f"--port={self.PORT}", "--num-cpus=0", "--include-dashboard=false")
        self.join(self.home, cpus=0)
        for node in self.nodes:
            self.join(node)

    def join(self, host: Host, cpus: int = 1, gpus: int = 0) -> None:
        """Make a machine part of the cluster, anew where it was; GPUs are what it says, and not what it has."""
        host.run("ray", "stop", "--force", check=False)
        self._begin(host, f"--address={self.address}", f"--num-cpus={cpus}", f"--num-gpus={gpus}")

    def _begin(self, host: Host, *words: str) -> None:
        usual = (f"--node-ip-address={host.address}", "--disable-usage-stats", "--object-store-memory=80000000")
        host.run("ray", "start", *words, *usual)

    def alive(self) -> int:
        """How many nodes do work."""
        told = json.loads(self.home.run("leverplus", "nodes", "--on", f"ray:{self.address}", "--json").stdout)
        return sum(1 for one in told["nodes"] if one["alive"] and one["cpus"])
