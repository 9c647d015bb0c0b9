"""Two Xen hosts under QEMU's software emulation: loopback only, nothing on disk, ended by their process ids."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from xlkit.backends.host import Reply
from xlkit.backends.ssh import SshHost

# A CPU without SMAP and XSAVE, on which TCG of QEMU 7.2 lets a PV dom0 crash, and without RDTSCP, which it reports to
# Xen as RDTSC; with SVM and nested paging, by which Xen logs the dirty pages of a PVH guest.
CPU = "qemu64,+svm,+npt,-rdtscp,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq,+rdrand,+cx16,+pdpe1gb,+abm"
XEN = (
    "console=com1 com1=115200,8n1 dom0_mem=768M,max:768M dom0_max_vcpus=1 noreboot loglvl=warning guest_loglvl=warning "
    "spec-ctrl=no xpti=no"
)
LINUX = "console=hvc0 rdinit=/init mitigations=off quiet loglevel=4 lab.number={number}"
BEAT = re.compile(r"BEAT (\d+) mono=(\S+) written=(\d+) sweeps=(\d+) bad=(\d+)")
BOOT_S = 150.0


@dataclass
class XenHost:
    """One emulated host; `shell` runs commands in its dom0."""

    folder: Path
    number: int
    ssh_port: int
    link_port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def name(self) -> str:
        return f"host{self.number}"

    @property
    def serial(self) -> Path:
        return self.folder / f"{self.name}.serial"

    def start(self) -> None:
        """Start the emulator; `wait` tells when dom0 is ready."""
        self.serial.unlink(missing_ok=True)
        linux = LINUX.format(number=self.number)
        link = "listen" if self.number == 1 else "connect"
        modules = f"{self.folder}/vmlinux {linux},{self.folder}/dom0.cpio"
        argv = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-machine", "pc", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", CPU, "-smp", "2", "-m", "1536",
            "-kernel", f"{self.folder}/xen", "-append", XEN, "-initrd", modules, "-serial", f"file:{self.serial}",
            "-netdev", f"user,id=admin,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22",
            "-device", f"virtio-net-pci,netdev=admin,mac=52:54:00:0{self.number}:00:01,romfile=",
            "-netdev", f"socket,id=link,{link}=127.0.0.1:{self.link_port}",
            "-device", f"virtio-net-pci,netdev=link,mac=52:54:00:0{self.number}:00:02,romfile=",
        ]  # fmt: skip
        with (self.folder / f"{self.name}.qemu").open("wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self.folder / f"{self.name}.pid").write_text(f"{self.process.pid}\n")

    def wait(self) -> None:
        """Wait until dom0 is ready; a host that crashed says so on its serial console."""
        end_s = time.monotonic() + BOOT_S
        while f"xenlab: {self.name} is ready" not in self._console():
            alive = self.process is not None and self.process.poll() is None
            if not alive or time.monotonic() > end_s:
                raise RuntimeError(f"{self.name} did not come up:\n{self._console()[-3000:]}")
            time.sleep(0.2)
        self.shell = SshHost(self.name, config=self.folder / "ssh_config", timeout_s=60)

    def run(self, script: str, timeout_s: float = 120) -> Reply:
        """Run a script in dom0."""
        return self.shell.run(script, timeout_s=timeout_s)

    def has(self, guest: str = "g1") -> bool:
        """Tell whether the guest is here, under its own name."""
        return self.run(f"xl domid {guest}").status == 0

    def beats(self, guest: str = "g1") -> list[tuple[int, ...]]:
        """Return the guest's heartbeats as this host's console has them: number, writes, sweeps, bad pages."""
        text = self.run(f"tail -qn 400 {_consoles(guest)} 2>/dev/null").out
        found = [(int(one[1]), int(one[3]), int(one[4]), int(one[5])) for one in BEAT.finditer(text)]
        return sorted(found)

    def state(self) -> str:
        """Tell what dom0 and the hypervisor say of the guests, for whoever looks for a fault."""
        return self.run("xl list; tail -n 20 /var/log/xen/xl-*.log; xl dmesg | tail -n 20").out

    def kill(self) -> None:
        """End the emulator, as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        (self.folder / f"{self.name}.pid").unlink(missing_ok=True)

    def _console(self) -> str:
        return self.serial.read_text(errors="replace") if self.serial.exists() else ""


@dataclass
class Lab:
    """Two hosts and the link between them."""

    folder: Path
    hosts: list[XenHost] = field(default_factory=list)

    def start(self) -> None:
        """Boot both hosts."""
        self._lock()
        end_leftovers(self.folder)
        self._boot()

    def stop(self) -> None:
        """End both hosts."""
        self._end()
        self._held.close()

    def restart(self) -> None:
        """Boot both hosts anew, with nothing on them."""
        self._end()
        self._boot()

    def _boot(self) -> None:
        ports = free_ports(3)
        self.hosts = [XenHost(self.folder, number, ports[number - 1], ports[2]) for number in (1, 2)]
        self._configure()
        try:
            for host in self.hosts:
                host.start()
                _listening(ports[2])
            for host in self.hosts:
                host.wait()
        except BaseException:
            self.stop()
            raise

    def _end(self) -> None:
        for host in self.hosts:
            host.kill()

    def create(self, host: XenHost, guest: str = "g1", config: str = "guest.cfg", *, more: str = "") -> None:
        """Create a guest, with more words of configuration if any, and wait until it beats."""
        # What an earlier guest of this name said would count as this one's.
        host.run(f"rm -f {_consoles(guest)}")
        made = host.run(f"xl create -q /lab/{config} {more}", timeout_s=180)
        if made.status:
            raise RuntimeError(f"{guest} was not created: {made.err}")
        self.wait_beating(host, guest)

    def ensure_guest(self) -> None:
        """See to it that the guest runs on one of the hosts.

        Each test holds, at its own end, where the guest is. That it was gone before the next one began was seen once,
        on an emulated host that then kept no new guest either; so a fresh boot is tried and told.
        """
        if any(host.has() for host in self.hosts):
            return
        told = "\n".join(host.state() for host in self.hosts)
        warnings.warn(f"No host has the guest any more, so both are booted anew.\n{told}", stacklevel=2)
        self.restart()
        self.create(self.hosts[0])

    def wait_beating(self, host: XenHost, guest: str = "g1", more: int = 10, timeout_s: float = 120) -> None:
        """Wait for some further heartbeats on a host."""
        first = max((beat[0] for beat in host.beats(guest)), default=-1)
        end_s = time.monotonic() + timeout_s
        while max((beat[0] for beat in host.beats(guest)), default=-1) < first + more:
            if time.monotonic() > end_s:
                raise RuntimeError(f"{guest} does not beat on {host.name}: {host.beats(guest)[-3:]}\n{host.state()}")
            time.sleep(0.3)

    def rate(self, host: XenHost, pages_s: int, guest: str = "g1") -> None:
        """Let the guest write so many pages a second."""
        done = host.run(
            f'echo "rate {pages_s}" > "$(xenstore-read /local/domain/$(xl domid {guest})/console/tty)" && '
            f"until grep -q 'RATE {pages_s}' /var/log/xen/console/guest-{guest}*.log; do sleep 0.2; done"
        )
        if done.status:
            raise RuntimeError(f"the rate was not set: {done.err}")

    def _lock(self) -> None:
        # The lock goes with this process, so a lab whose starter was killed does not hold it.
        self._held = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._held.close()
            raise RuntimeError(f"a lab is running from {self.folder} already") from None

    def _configure(self) -> None:
        key = " ".join((self.folder / "host.pub").read_text().split()[:2])
        known = "".join(f"[127.0.0.1]:{host.ssh_port} {key}\n" for host in self.hosts)
        (self.folder / "known_hosts").write_text(known)
        blocks = [
            f"Host {host.name}\n  HostName 127.0.0.1\n  Port {host.ssh_port}\n  User root\n  IdentitiesOnly yes\n"
            f"  IdentityFile {self.folder}/client\n  UserKnownHostsFile {self.folder}/known_hosts\n"
            for host in self.hosts
        ]
        (self.folder / "ssh_config").write_text("".join(blocks))


def _consoles(guest: str) -> str:
    return f"/var/log/xen/console/guest-{guest}.log /var/log/xen/console/guest-{guest}--incoming.log"


def free_ports(count: int) -> list[int]:
    """Find ports of loopback that nobody uses now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def end_leftovers(folder: Path, names: Iterable[str] = ("host1", "host2")) -> None:
    """End the hosts of a lab whose starter is gone; a process id counts only while it is this folder's emulator."""
    for name in names:
        path = folder / f"{name}.pid"
        if not path.exists():
            continue
        pid = int(path.read_text())
        with suppress(OSError):
            if f"{folder}/{name}.serial".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        path.unlink(missing_ok=True)


def _listening(port: int) -> None:
    end_s = time.monotonic() + 20
    wanted = f":{port:04X} "
    while wanted not in Path("/proc/net/tcp").read_text():
        if time.monotonic() > end_s:
            raise RuntimeError("the emulator does not listen for the link")
        time.sleep(0.05)
