"""One migration on its host: a folder there that holds all that belongs to it, and outlives whoever watches."""

import hashlib
import io
import json
import shlex
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from xlkit.backends.host import Host, Reply, Stream
from xlkit.backends.xl_probe import Dom0, Way
from xlkit.errors import HostError, HostUnreachableError

BASE = "/var/lib/xlkit"
"""Where the folders are, on the host; only root may look inside."""

TICK_S = 0.1
_STAMP = "%Y%m%dT%H%M%S"
_BEGUN_WITHIN = timedelta(minutes=2)
"""A run's folder is made right after its start is recorded; a slow SSH connection may lie between."""
_CARGO = {Way.HELPER: "save_helper.py", Way.NATIVE: "observe_helper.py", Way.OBSERVE: "observe_helper.py"}


class HostRun:
    """A migration that runs, or ran, on its host, in a session of its own.

    Parameters
    ----------
    host : Host
        The source.
    folder : str
        The migration's folder there.
    reconnect_s : float, default 60.0
        How long a lost connection is tried again before it is given up [s].

    Attributes
    ----------
    keep : bool
        Whether `remove` leaves the folder there, for a watcher to come.
    """

    def __init__(self, host: Host, folder: str, *, reconnect_s: float = 60.0) -> None:
        self.host, self.folder = host, folder
        self.reconnect_s = reconnect_s
        self.keep = False
        self._stream: Stream | None = None
        self._read_bytes = 0

    @classmethod
    def start(
        cls,
        host: Host,
        dom0: Dom0,
        way: Way,
        domain: str,
        argv: list[str],
        policy: Mapping[str, Any],
        *,
        base: str = BASE,
    ) -> "HostRun":
        """Carry the cargo to the host and start xl there.

        Parameters
        ----------
        host : Host
            The source.
        dom0 : Dom0
            What it told of itself.
        way : Way
            How the policy is applied.
        domain : str
            Name of the guest.
        argv : list of str
            The words of the command.
        policy : mapping
            First content of ``policy.json``.
        base : str, default "/var/lib/xlkit"
            Folder for the folders of migrations.

        Returns
        -------
        HostRun
            The migration; xl runs.

        Raises
        ------
        HostError
            If it could not be started.
        """
        folder = f"{base}/{domain}-{datetime.now(UTC):{_STAMP}}-{time.monotonic_ns() % 10**6:06d}"
        helper_name, helper = cargo(_CARGO[way], dom0.python)
        job = {
            "argv": argv,
            "env": {"LIBXL_SAVE_HELPER": f"{folder}/{helper_name}", "XLKIT_STOCK_HELPER": dom0.stock_helper},
        }
        files = {
            helper_name: helper,
            "launch.py": cargo("launch.py", dom0.python)[1],
            "job.json": json.dumps(job).encode(),
            "policy.json": json.dumps(policy).encode(),
            "events": b"",
            "answers": b"",
        }
        path, python = shlex.quote(folder), shlex.quote(dom0.python)
        script = (
            f"umask 077; mkdir -p {shlex.quote(base)} && chmod 700 {shlex.quote(base)} && mkdir {path} && "
            f"tar -xf - -C {path} && exec {python} -ISs {path}/launch.py {path}"
        )
        run = cls(host, folder)
        try:
            run._checked(host.run(script, stdin=_tar(files)), "start the migration")
        except HostError:
            run.remove()
            raise
        return run

    def lines(self) -> Iterator[str | None]:
        """Follow the events from where they were read to; None comes while there is nothing new.

        Yields
        ------
        str or None
            A whole line, or a moment's pause in which other things can be done.

        Raises
        ------
        HostUnreachableError
            If the connection was lost and did not come back in time; what runs on the host goes on.
        """
        rest = b""
        while True:
            try:
                data = self._read()
            except HostUnreachableError as error:
                rest = b""
                yield from self._reconnect(error)
                continue
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                self._read_bytes += len(line) + 1
                yield line.decode(errors="replace")
            if not whole:
                yield None

    def policy(self) -> dict[str, Any]:
        """Read the policy that holds on the host now.

        Returns
        -------
        dict
            The content of ``policy.json``.

        Raises
        ------
        HostError
            If it cannot be read.
        """
        reply = self.host.run(f"cat {shlex.quote(self.folder)}/policy.json")
        self._checked(reply, "read the policy")
        return dict(json.loads(reply.out))

    def order(self, policy: Mapping[str, Any]) -> None:
        """Replace the policy on the host, in one step.

        Parameters
        ----------
        policy : mapping
            The new content of ``policy.json``.

        Raises
        ------
        HostError
            If it could not be written.
        """
        path = shlex.quote(self.folder)
        script = f"umask 077; cat > {path}/policy.new && mv {path}/policy.new {path}/policy.json"
        self._checked(self.host.run(script, stdin=json.dumps(policy).encode()), "change the policy")

    def answer(self, call: int, decision: str) -> None:
        """Answer a policy call that waits on the host.

        Parameters
        ----------
        call : int
            Its number.
        decision : str
            ``continue``, ``stop`` or ``abort``.

        Raises
        ------
        HostUnreachableError
            If the connection is lost; the host then decides by the two knobs.
        """
        self._follow().write(json.dumps({"call": call, "decision": decision}).encode() + b"\n")

    def remove(self) -> None:
        """Remove the folder on the host, and the one above when it is empty; a host that is away keeps them."""
        self._let_go()
        if self.keep:
            return
        above = self.folder.rpartition("/")[0]
        with suppress(HostError):
            self.host.run(f"rm -rf {shlex.quote(self.folder)}; rmdir {shlex.quote(above)} 2>/dev/null")

    def _read(self) -> bytes:
        data = self._follow().read(TICK_S)
        if data is None:
            raise HostUnreachableError(f"{self.host.label}: the follower has ended.", host=self.host.label)
        return data

    def _follow(self) -> Stream:
        if self._stream is None:
            path = shlex.quote(self.folder)
            self._stream = self.host.stream(
                f"cd {path} || exit; tail -c +{self._read_bytes + 1} -f events & tail=$!; "
                "cat >> answers; kill $tail 2>&-"
            )
        return self._stream

    def _reconnect(self, error: HostUnreachableError) -> Iterator[None]:
        self._let_go()
        end_s = time.monotonic() + self.reconnect_s
        while True:
            try:
                if self.host.run(f"test -e {shlex.quote(self.folder)}/events").status == 0:
                    return
            except HostUnreachableError as again:
                error = again
            else:
                raise HostError(
                    f"{self.folder} is no longer on {self.host.label}: the migration's record there was removed.",
                    host=self.host.label,
                )
            if time.monotonic() > end_s:
                raise error
            time.sleep(TICK_S)
            yield None

    def _let_go(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(HostError, OSError):
                stream.close()

    def _checked(self, reply: Reply, what: str) -> None:
        if reply.status:
            raise HostError(
                f"{self.host.label} could not {what} (exit status {reply.status}): {reply.err.strip()[:300]}",
                host=self.host.label,
                status=reply.status,
                stderr=reply.err,
            )


def cargo(name: str, python: str) -> tuple[str, bytes]:
    """Return a file of the cargo for a host's Python, and the name that its content gives it.

    Parameters
    ----------
    name : str
        File in ``xlkit/backends/dom0``.
    python : str
        Path of the Python on the host.

    Returns
    -------
    tuple of str and bytes
        Name with the hash of the content, and the content.
    """
    text = (resources.files("xlkit.backends") / "dom0" / name).read_bytes()
    content = f"#!{python} -ISs\n".encode() + text.partition(b"\n")[2]
    stem = name.removesuffix(".py")
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.py", content


def find_run(host: Host, domain: str, started_at: datetime, *, base: str = BASE) -> HostRun | None:
    """Find a migration of a domain that a host still holds.

    Parameters
    ----------
    host : Host
        The source.
    domain : str
        Name of the guest.
    started_at : datetime
        When the run was begun, by the clock of the machine that began it, which also named the folder.
    base : str, default "/var/lib/xlkit"
        Folder for the folders of migrations.

    Returns
    -------
    HostRun or None
        The migration, None where there is none that was begun within two minutes from then.
    """
    digits = "[0-9]" * 6
    pattern = f"{shlex.quote(f'{base}/{domain}')}-[0-9][0-9]{digits}T{digits}-{digits}"
    for folder in sorted(host.run(f"ls -d {pattern} 2>/dev/null").out.split()):
        begun_at = datetime.strptime(folder.split("-")[-2], _STAMP).replace(tzinfo=UTC)
        if timedelta(0) <= begun_at - started_at.replace(microsecond=0) <= _BEGUN_WITHIN:
            return HostRun(host, folder)
    return None


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o700 if name.endswith(".py") else 0o600
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
