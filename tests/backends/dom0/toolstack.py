"""libxl's side of the save helper's pipes, as much of it as a plain save needs."""

import os
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOG, PROGRESS, SUSPEND, LOGDIRTY, COMPLETE = 1, 2, 3, 7, 10
PATCHED = (4, 8, 11)
"""Numbers of suspend, switch_qemu_logdirty and complete where the series put `precopy_policy` in as number 3."""


@dataclass
class Save:
    """One save through a helper: what libxl heard, and how the helper ended."""

    helper: list[str]
    stream_fd: int
    environment: Mapping[str, str]
    cbflags: int = 136
    flags: int = 1
    domid: int = 7
    numbering: tuple[int, int, int] = (SUSPEND, LOGDIRTY, COMPLETE)
    heard: list[tuple[int, bytes]] = field(default_factory=list)
    on_message: Callable[[int, bytes], None] = lambda _number, _body: None

    def start(self) -> subprocess.Popen[bytes]:
        numbers = [self.stream_fd, -1, self.domid, self.flags, self.cbflags, 0]
        self.process = subprocess.Popen(
            [*self.helper, "--save-domain", *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pass_fds=[self.stream_fd],
            env=self.environment,
        )
        return self.process

    def serve(self) -> int:
        """Answer until the helper ends; return its exit status."""
        with self.process as process:
            for number, body in self._messages():
                self.heard.append((number, body))
                self.on_message(number, body)
                if number in self.numbering:
                    process.stdin.write(struct.pack("=i", int(number == self.numbering[0])))
        return self.process.returncode

    def run(self) -> int:
        self.start()
        return self.serve()

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.heard if number not in {LOG, PROGRESS}]

    @property
    def result(self) -> tuple[int, int]:
        """What the helper reported with its last message: result and errno."""
        number, body = self.heard[-1]
        assert number == self.numbering[2], self.heard[-3:]
        return struct.unpack("=ii", body)

    @property
    def log(self) -> str:
        return "\n".join(log_text(body) for number, body in self.heard if number == LOG)

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        while head := self._read(4):
            length, number = struct.unpack("=HH", head)
            yield number, self._read(length - 2)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (part := os.read(self.process.stdout.fileno(), size - len(data))):
            data += part
        return data


def log_text(body: bytes) -> str:
    """Unpack a log message: its context and its text."""
    first = struct.unpack_from("=I", body, 8)[0]
    context, text = body[12 : 11 + first], body[16 + first : -1]
    return f"{context.decode()}: {text.decode()}"


def write_script(
    path: Path, *, p2m: int, dirty: list[int], final: int = 12, chunk_us: int = 0, p2m_told: int | None = None
) -> None:
    """Write what the scripted guest does."""
    told = p2m if p2m_told is None else p2m_told
    path.write_text(f"p2m {p2m} p2m_told {told} chunk_us {chunk_us} final {final} dirty {' '.join(map(str, dirty))}\n")


def on_iteration(number: int, act: Callable[[], object]) -> Callable[[int, bytes], None]:
    """Act once, when libxl hears of that iteration."""
    done: list[bool] = []

    def on_message(message: int, body: bytes) -> None:
        if not done and message == LOG and f"precopy: iteration {number}:" in log_text(body):
            done.append(True)
            act()

    return on_message
