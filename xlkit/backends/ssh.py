"""A host over SSH, as an admin's own `ssh` would reach it: configuration, agent, keys, and known hosts checked."""

import base64
import getpass
import hashlib
import shlex
from pathlib import Path
from typing import Any, NoReturn

import paramiko

from xlkit.backends.host import CHUNK_BYTES, Reply
from xlkit.errors import HostError, HostUnreachableError

_LOST = (paramiko.SSHException, OSError, EOFError)


class SshHost:
    """Run scripts on another machine as root, over SSH.

    Nothing is connected before it is needed; a connection that broke is made anew. There is no way to give a password:
    keys and the agent are used, and `sudo` must need none.

    Parameters
    ----------
    label : str
        A host of ``~/.ssh/config``, or ``[user@]name``.
    sudo : bool, optional
        Whether commands go through ``sudo -n``; when not given, they do for any user but root.
    config : str or Path, default "~/.ssh/config"
        OpenSSH client configuration: HostName, User, Port, IdentityFile, UserKnownHostsFile and ProxyJump are followed.
    timeout_s : float, default 15.0
        Longest wait for a connection [s].
    keepalive_s : int, default 15
        How often an idle connection is checked [s].
    """

    def __init__(
        self,
        label: str,
        *,
        sudo: bool | None = None,
        config: str | Path = "~/.ssh/config",
        timeout_s: float = 15.0,
        keepalive_s: int = 15,
    ) -> None:
        self.label = label
        self._config, self._timeout_s, self._keepalive_s = Path(config).expanduser(), timeout_s, keepalive_s
        self._settings = _settings(label, self._config)
        self._sudo = self._settings["user"] != "root" if sudo is None else sudo
        self._client: paramiko.SSHClient | None = None
        self._jump: SshHost | None = None

    def run(self, script: str, *, stdin: bytes = b"", timeout_s: float = 60.0) -> Reply:
        """Run a script to its end."""
        try:
            with self._channel(script) as channel:
                channel.settimeout(timeout_s)
                if stdin:
                    channel.sendall(stdin)
                channel.shutdown_write()
                out, err = channel.makefile("rb").read(), channel.makefile_stderr("rb").read()
                status = channel.recv_exit_status()
        except _LOST as error:
            self._lost(error, script)
        return Reply(status, out.decode(errors="replace"), err.decode(errors="replace"))

    def stream(self, script: str) -> "SshStream":
        """Start a script and stay connected to it."""
        try:
            return SshStream(self, self._channel(script))
        except _LOST as error:
            self._lost(error, script)

    def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        if self._jump is not None:
            self._jump.close()

    def direct(self, name: str, port: int) -> paramiko.Channel:
        """Open a way through this host to another one."""
        return self._transport().open_channel("direct-tcpip", (name, port), ("127.0.0.1", 0), timeout=self._timeout_s)

    def __repr__(self) -> str:
        return f"SshHost({self.label!r})"

    def _channel(self, script: str) -> paramiko.Channel:
        try:
            channel = self._transport().open_session(timeout=self._timeout_s)
        except _LOST:
            # A connection may have broken unnoticed since it was last used; nothing was started on it.
            self.close()
            channel = self._transport().open_session(timeout=self._timeout_s)
        channel.exec_command(f"{'sudo -n ' if self._sudo else ''}sh -c {shlex.quote(script)}")
        return channel

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport() if self._client else None
        if transport is None or not transport.is_active():
            self.close()
            self._client = self._connect()
            transport = self._client.get_transport()
        if transport is None:
            raise EOFError("the connection closed at once")
        return transport

    def _connect(self) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Strict(self.label))
        for path in self._settings["known_hosts"]:
            if path.exists():
                client.load_host_keys(str(path))
        try:
            self._log_in(client)
        except BaseException:
            client.close()
            raise
        return client

    def _log_in(self, client: paramiko.SSHClient) -> None:
        name, port, user, keys = (self._settings[one] for one in ("name", "port", "user", "keys"))
        waits = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout"), self._timeout_s)
        try:
            client.connect(name, port, user, key_filename=keys or None, sock=self._jump_channel(), **waits)
        except paramiko.BadHostKeyException as error:
            raise HostError(
                f"{self.label} shows another key than the known one: {fingerprint(error.key)} instead of "
                f"{fingerprint(error.expected_key)}. If the host was set up anew, remove its line from known_hosts; "
                "otherwise somebody stands between you and it.",
                host=self.label,
            ) from None
        except paramiko.SSHException:
            transport = client.get_transport()
            if transport is None or not transport.is_active() or transport.is_authenticated():
                raise
            raise HostError(
                f"{self.label} lets {user} in with none of the keys. Try `ssh {user}@{self.label}`.", host=self.label
            ) from None
        client.get_transport().set_keepalive(self._keepalive_s)

    def _jump_channel(self) -> paramiko.Channel | None:
        jump = self._settings["jump"]
        if not jump or jump.lower() == "none":
            return None
        self._jump = SshHost(jump.split(",")[-1], sudo=False, config=self._config, timeout_s=self._timeout_s)
        return self._jump.direct(self._settings["name"], self._settings["port"])

    def _lost(self, error: BaseException, script: str) -> NoReturn:
        raise HostUnreachableError(
            f"{self.label} did not answer ({type(error).__name__}: {error}). Try `ssh {self.label}`, then once more.",
            host=self.label,
            command=script,
        ) from error


class SshStream:
    """A command on another machine with its input and its output.

    Parameters
    ----------
    host : SshHost
        Where it runs, for errors.
    channel : paramiko.Channel
        The open channel.
    """

    def __init__(self, host: SshHost, channel: paramiko.Channel) -> None:
        self._host, self._channel = host, channel

    def read(self, timeout_s: float) -> bytes | None:
        """Return what has come, nothing after the time is up, None at the end."""
        self._channel.settimeout(timeout_s)
        try:
            data = self._channel.recv(CHUNK_BYTES)
        except TimeoutError:
            return b""
        except _LOST as error:
            self._host._lost(error, "follow")  # noqa: SLF001 - one class in two halves
        if not data and self._channel.recv_exit_status() < 0:
            self._host._lost(EOFError("the connection broke"), "follow")  # noqa: SLF001
        return data or None

    def write(self, data: bytes) -> None:
        """Send to the command's input."""
        try:
            self._channel.sendall(data)
        except _LOST as error:
            self._host._lost(error, "follow")  # noqa: SLF001

    def close(self) -> None:
        """Close the command's input, on which it ends."""
        self._channel.close()


class _Strict:
    """Refuse a host whose key is not known."""

    def __init__(self, label: str) -> None:
        self._label = label

    def missing_host_key(self, _client: object, hostname: str, key: paramiko.PKey) -> NoReturn:
        """Say which key it is, and how it becomes known."""
        raise HostError(
            f"The key of {self._label} ({hostname}) is not known: {key.get_name()} {fingerprint(key)}. Compare it with "
            f"the host's own (`ssh-keygen -lf` of its key there), then let `ssh {self._label}` add it.",
            host=self._label,
        )


def fingerprint(key: paramiko.PKey) -> str:
    """Write a key's fingerprint the way `ssh` shows it.

    Parameters
    ----------
    key : paramiko.PKey
        A public key.

    Returns
    -------
    str
        ``SHA256:`` and the hash.
    """
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _settings(label: str, path: Path) -> dict[str, Any]:
    config = paramiko.SSHConfig.from_path(str(path)) if path.exists() else paramiko.SSHConfig()
    user, _, name = label.rpartition("@")
    found = config.lookup(name)
    known = found.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2 /etc/ssh/ssh_known_hosts")
    return {
        "name": found.get("hostname", name),
        "port": int(found.get("port", 22)),
        "user": user or found.get("user") or getpass.getuser(),
        "keys": [str(Path(one).expanduser()) for one in found.get("identityfile", [])],
        "known_hosts": [Path(one).expanduser() for one in known.split()],
        "jump": found.get("proxyjump", ""),
    }
