import lzma
import stat
import struct
from pathlib import Path

from tests.xenlab.images import NEEDLESS, Cpio, elf_of, module_closure


def entries(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Read an initramfs archive: mode and content by name."""
    found, at = {}, 0
    while True:
        assert archive[at : at + 6] == b"070701"
        numbers = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        name = archive[at + 110 : at + 109 + numbers[11]].decode()
        at = -(-(at + 110 + numbers[11]) // 4) * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (numbers[1], archive[at : at + numbers[6]])
        at = -(-(at + numbers[6]) // 4) * 4


def test_an_archive_holds_files_and_the_folders_above_them(tmp_path: Path) -> None:
    with Cpio(tmp_path / "a.cpio") as archive:
        archive.console()
        archive.add("etc/ssh/key", b"secret", 0o600)
        archive.add("etc/ssh/config", b"12345")
        archive.link("bin/sh", "busybox")
    found = entries((tmp_path / "a.cpio").read_bytes())
    assert list(found) == ["dev", "dev/console", "etc", "etc/ssh", "etc/ssh/key", "etc/ssh/config", "bin", "bin/sh"]
    assert found["etc/ssh/key"] == (stat.S_IFREG | 0o600, b"secret")
    assert found["bin/sh"] == (stat.S_IFLNK | 0o777, b"busybox")
    assert stat.S_ISCHR(found["dev/console"][0])


def test_modules_come_after_those_they_depend_on(tmp_path: Path) -> None:
    for name, depends in {"net": "failover,core", "failover": "core", "core": "", "other": ""}.items():
        (tmp_path / f"{name}.ko").write_bytes(b"\0license=GPL\0depends=" + depends.encode() + b"\0")
    assert [path.stem for path in module_closure(tmp_path, ("net", "built-in"))] == ["core", "failover", "net"]


def test_the_kernel_comes_out_of_its_image() -> None:
    kernel = b"\x7fELF" + bytes(1000)
    payload = lzma.compress(kernel)
    image = bytearray(3 * 512)
    image[0x1F1] = 1
    struct.pack_into("<II", image, 0x248, 512, len(payload))
    assert elf_of(bytes(image) + payload) == kernel


def test_what_a_dom0_needs_stays() -> None:
    gone = ["usr/share/doc/x/copyright", "usr/lib/systemd/systemd", "boot/xen.gz", "usr/lib/python3.11/test/a.py"]
    kept = [
        "usr/lib/xen-4.17/bin/libxl-save-helper",
        "usr/lib/python3.11/json/decoder.py",
        "usr/sbin/sshd",
        "etc/passwd",
    ]
    assert all(NEEDLESS.match(one) for one in gone)
    assert not any(NEEDLESS.match(one) for one in kept)
