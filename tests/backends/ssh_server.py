"""An SSH server on loopback that runs what it is told as this user; made for tests of the client."""

import socket
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import paramiko


@dataclass
class SshServer:
    """Serve one folder's worth of keys until closed."""

    folder: Path
    host_key: paramiko.PKey = field(default_factory=paramiko.ECDSAKey.generate)
    commands: list[str] = field(default_factory=list)
    environment: dict[str, str] | None = None

    def __post_init__(self) -> None:
        self.client_key = paramiko.ECDSAKey.generate()
        self.client_key.write_private_key_file(str(self.folder / "id"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        self.know(self.host_key)
        self.configure()

    def know(self, key: paramiko.PKey | None) -> None:
        """Write which key the client knows."""
        line = f"[127.0.0.1]:{self.port} {key.get_name()} {key.get_base64()}\n" if key else ""
        (self.folder / "known_hosts").write_text(line)

    def configure(self, *more: str) -> Path:
        """Write an OpenSSH configuration that reaches this server as ``dom0a``."""
        path = self.folder / "config"
        path.write_text(
            f"Host dom0a\n HostName 127.0.0.1\n Port {self.port}\n User admin\n IdentityFile {self.folder}/id\n"
            f" UserKnownHostsFile {self.folder}/known_hosts\n" + "".join(f" {one}\n" for one in more)
        )
        return path

    def cut(self) -> None:
        """Cut all connections."""
        for transport in self.transports:
            transport.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.host_key)
            self.transports.append(transport)
            try:
                transport.start_server(server=_Interface(self))
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()


class _Interface(paramiko.ServerInterface):
    def __init__(self, server: SshServer) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = key.asbytes() == self._server.client_key.asbytes()
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(self, chanid: int, origin: object, destination: tuple[str, int]) -> int:
        self._server.commands.append(f"direct {destination[0]}")
        threading.Thread(target=self._forward, args=[chanid, destination], daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._server.commands.append(command.decode())
        threading.Thread(target=self._run, args=[channel, command.decode()], daemon=True).start()
        return True

    def _forward(self, chanid: int, destination: tuple[str, int]) -> None:
        transport = self._server.transports[-1]
        channel = transport.accept(5)
        with suppress(OSError, EOFError, paramiko.SSHException), socket.create_connection(destination) as far:
            back = threading.Thread(target=_pump, args=[channel.recv, far.sendall], daemon=True)
            back.start()
            _pump(far.recv, channel.sendall)
            channel.close()
            back.join(5)

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=self._server.environment,
        )
        feeding = threading.Thread(target=self._feed, args=[channel, process], daemon=True)
        feeding.start()
        erring = threading.Thread(target=_pump, args=[process.stderr.read, channel.sendall_stderr], daemon=True)
        erring.start()
        _pump(process.stdout.read, channel.sendall)
        erring.join(5)
        status = process.wait()
        process.stdout.close()
        process.stderr.close()
        with suppress(paramiko.SSHException, EOFError, OSError):
            channel.send_exit_status(status)
            channel.close()

    def _feed(self, channel: paramiko.Channel, process: "subprocess.Popen[bytes]") -> None:
        _pump(channel.recv, process.stdin.write)
        with suppress(OSError):
            process.stdin.close()


def _pump(read: object, write: object) -> None:
    try:
        while data := read(1 << 15):
            write(data)
    except (OSError, EOFError, ValueError):
        pass
