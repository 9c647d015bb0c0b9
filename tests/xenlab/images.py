"""Images of the lab: a dom0 and a guest as initramfs archives, built from Debian packages and nothing else."""

import gzip
import lzma
import re
import shutil
import stat
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

HERE = Path(__file__).parent
PACKAGES = (
    "xen-hypervisor-4.17-amd64", "xen-utils-4.17", "xenstore-utils", "openssh-server", "openssh-client", "python3",
    "iproute2", "busybox-static", "procps",
)  # fmt: skip
MODULES = ("virtio_pci", "virtio_net", "xen-evtchn", "xen-privcmd", "xen-gntdev", "xen-gntalloc", "xenfs")
# What a dom0 does not need to migrate guests: two thirds of its bytes, unpacked by an emulated processor at every boot.
NEEDLESS = re.compile(
    r"(usr/)?lib/udev/|usr/share/(perl|perl5|doc|man|locale|info|zoneinfo|bash-completion|lintian|python-wheels)/|boot/|"
    r"usr/lib/x86_64-linux-gnu/(perl|perl5|perl-base|gconv|systemd)/|usr/bin/perl|(usr/)?lib/systemd/|"
    r"usr/lib/xen-[0-9.]+/boot/|var/(lib/dpkg|cache|lib/apt)/|usr/lib/python3[0-9.]*/(test|idlelib|lib2to3|ensurepip|"
    r"distutils|pydoc_data|unittest|tkinter)/|dev/"
)


@dataclass
class Cpio:
    """An initramfs archive ("newc"), written without root and without device nodes in a file system."""

    path: Path
    _inode: int = 0
    _made: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._file = self.path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._entry("TRAILER!!!", 0, b"")
        self._file.close()

    def add(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add a file, and the folders above it."""
        self._folders(name)
        self._entry(name, stat.S_IFREG | mode, content)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._folders(name)
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def folder(self, name: str, mode: int = 0o755) -> None:
        """Add a folder, once."""
        if name and name not in self._made:
            self._folders(name)
            self._made.add(name)
            self._entry(name, stat.S_IFDIR | mode, b"")

    def console(self) -> None:
        """Add the device on which init speaks."""
        self.folder("dev")
        self._entry("dev/console", stat.S_IFCHR | 0o600, b"", device=(5, 1))

    def _folders(self, name: str) -> None:
        above = name.rpartition("/")[0]
        if above:
            self.folder(above)

    def _entry(self, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        numbers = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name.encode()) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % one for one in numbers) + name.encode() + b"\0"
        self._file.write(head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4))


def build(folder: Path) -> None:
    """Build what is not there yet: packages, kernel, hypervisor, guest, dom0, keys."""
    folder.mkdir(parents=True, exist_ok=True)
    userland(folder)
    kernel = unpacked_kernel(folder)
    (folder / "vmlinux").write_bytes(elf_of(next(kernel.glob("boot/vmlinuz-*")).read_bytes()))
    with tarfile.open(folder / "userland.tar") as tar:
        (folder / "xen").write_bytes(gzip.decompress(_member(tar, r"boot/xen-[0-9.]+-amd64\.gz")))
        busybox = _member(tar, r"(usr/)?bin/busybox")
    guest(folder, busybox)
    keys(folder)
    dom0(folder, kernel)


def userland(folder: Path) -> None:
    """Collect the user space of dom0 as a tar; a kernel package would bring an initramfs and all modules."""
    if (folder / "userland.tar").exists():
        return
    sources = [str(one) for one in Path("/etc/apt/sources.list.d").glob("debian.sources")]
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=essential", "--architectures=amd64", "--format=tar",
         "--aptopt=APT::Install-Recommends false", "--dpkgopt=path-exclude=/usr/share/doc/*",
         "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
         f"--include={','.join(PACKAGES)}", "bookworm", folder / "userland.part", *sources],
        check=True,
    )  # fmt: skip
    (folder / "userland.part").rename(folder / "userland.tar")


def unpacked_kernel(folder: Path) -> Path:
    """Download Debian's kernel and unpack it; the cloud kernel will not do, it cannot be a dom0."""
    unpacked = folder / "kernel"
    if not unpacked.exists():
        told = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], check=True, capture_output=True, text=True)
        package = re.findall(r"Depends: (linux-image-\S+)", told.stdout)[0]
        subprocess.run(["apt-get", "-qq", "download", package], check=True, cwd=folder)
        part = folder / "kernel.part"
        shutil.rmtree(part, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-x", next(folder.glob("linux-image-*.deb")), part], check=True)
        part.rename(unpacked)
    return unpacked


def elf_of(image: bytes) -> bytes:
    """Take the plain kernel out of a bzImage: decompressing it on an emulated processor takes longer than reading it.

    The offsets are those of the x86 boot protocol: setup_sects at 0x1f1, payload_offset and payload_length at 0x248.
    """
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (image[0x1F1] + 1) * 512 + offset
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(image[begin : begin + length])


def guest(folder: Path, busybox: bytes) -> None:
    """Build the guest: one static program, started by a script of two lines."""
    subprocess.run(["gcc", "-O2", "-static", "-o", folder / "guest", HERE / "guest.c"], check=True)
    init = (
        b"#!/bin/sh\n/bin/busybox mount -t devtmpfs dev /dev\nexec /bin/guest 16 400 100 </dev/hvc0 >/dev/hvc0 2>&1\n"
    )
    with Cpio(folder / "guest.cpio") as archive:
        archive.console()
        archive.add("bin/busybox", busybox, 0o755)
        archive.link("bin/sh", "busybox")
        archive.add("bin/guest", (folder / "guest").read_bytes(), 0o755)
        archive.add("init", init, 0o755)


def keys(folder: Path) -> None:
    """Make one key for the hosts and one for whoever logs in, and the client's configuration."""
    for name in ("client", "host"):
        if not (folder / name).exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"xenlab {name}", "-f", folder / name], check=True
            )


def dom0(folder: Path, kernel: Path) -> None:
    """Build dom0's archive: pruned user space, the few modules, the lab's own files."""
    modules = list(module_closure(next(kernel.glob("lib/modules/*")), MODULES))
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    with Cpio(folder / "dom0.cpio") as archive, tarfile.open(folder / "userland.tar") as tar:
        archive.console()
        _copy(tar, archive)
        for path in modules:
            archive.add(f"lab/modules/{path.name}", path.read_bytes())
        archive.add("lab/modules/order", "".join(f"{path.name}\n" for path in modules).encode())
        for name, mode in {"init.sh": 0o755, "plainsh": 0o755, "guest.cfg": 0o644, "guest-pv.cfg": 0o644}.items():
            archive.add(f"lab/{name}", (HERE / "dom0" / name).read_bytes(), mode)
        for name in ("vmlinux", "guest.cpio"):
            archive.add(f"lab/{name}", (folder / name).read_bytes())
        for name in ("lab/bin", "proc", "sys", "run", "tmp", "var/log", "var/lib"):
            archive.folder(name)
        archive.folder("root/.ssh", 0o700)
        archive.add("init", b"#!/bin/busybox sh\nexec /bin/busybox init\n", 0o755)
        archive.add("etc/inittab", b"::sysinit:/lab/init.sh\n")
        archive.add("etc/hosts", b"127.0.0.1 localhost\n10.99.0.1 host1\n10.99.0.2 host2\n")
        archive.add("root/.ssh/authorized_keys", (folder / "client.pub").read_bytes(), 0o600)
        archive.add("root/.ssh/id_ed25519", (folder / "client").read_bytes(), 0o600)
        archive.add("root/.ssh/known_hosts", f"host1,host2,10.99.0.1,10.99.0.2 {host_key}\n".encode())
        archive.add("etc/ssh/ssh_host_ed25519_key", (folder / "host").read_bytes(), 0o600)
        archive.add("etc/ssh/sshd_config", _SSHD.encode())


# Default ciphers and signatures are several times slower on an emulated processor.
_SSHD = """HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
PrintMotd no
Ciphers aes128-ctr
MACs umac-64-etm@openssh.com,hmac-sha2-256
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
MaxStartups 50
MaxSessions 50
"""


def module_closure(folder: Path, wanted: tuple[str, ...]) -> Iterator[Path]:
    """Return modules and all they depend on, in the order in which they are loaded; built-in ones are not there."""
    files = {path.stem.replace("-", "_"): path for path in folder.rglob("*.ko")}
    done: set[str] = set()

    def need(name: str) -> Iterator[Path]:
        name = name.replace("-", "_")
        if name not in done and name in files:
            done.add(name)
            depends = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
            for one in filter(None, depends[1].decode().split(",") if depends else []):
                yield from need(one)
            yield files[name]

    for name in wanted:
        yield from need(name)


def _copy(tar: tarfile.TarFile, archive: Cpio) -> None:
    for entry in tar:
        name = entry.name.removeprefix("./")
        if not name or name == "." or NEEDLESS.match(f"{name}/" if entry.isdir() else name):
            continue
        if entry.isdir():
            archive.folder(name, entry.mode)
        elif entry.issym():
            archive.link(name, entry.linkname)
        elif (entry.isfile() or entry.islnk()) and not name.startswith("etc/ssh/ssh_host"):
            content = tar.extractfile(entry)
            # sshd takes no key for an account that is locked.
            data = content.read().replace(b"root:!", b"root:*") if name == "etc/shadow" else content.read()
            archive.add(name, data, entry.mode)


def _member(tar: tarfile.TarFile, pattern: str) -> bytes:
    name = next(one for one in tar.getnames() if re.fullmatch(rf"(\./)?{pattern}", one))
    return tar.extractfile(name).read()
