from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from tests.backends.ssh_server import SshServer
from xlkit.backends.ssh import SshHost, fingerprint
from xlkit.errors import HostError, HostUnreachableError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    server = SshServer(tmp_path)
    yield server
    server.close()


@pytest.fixture
def host(server: SshServer) -> Iterator[SshHost]:
    host = SshHost("dom0a", config=server.configure(), sudo=False, timeout_s=5)
    yield host
    host.close()


def test_a_command_runs_and_tells_all(host: SshHost) -> None:
    reply = host.run("cat; echo trouble >&2; exit 3", stdin=b"in\n")
    assert (reply.status, reply.out, reply.err) == (3, "in\n", "trouble\n")


def test_a_stream_gives_what_comes_and_takes_input(host: SshHost) -> None:
    stream = host.stream("echo ready; cat")
    assert stream.read(5) == b"ready\n"
    assert stream.read(0.01) == b""
    stream.write(b"word\n")
    assert stream.read(5) == b"word\n"
    stream.close()


def test_nothing_is_connected_before_it_is_needed(server: SshServer, host: SshHost) -> None:
    assert server.transports == []


def test_anybody_but_root_goes_through_sudo(server: SshServer) -> None:
    host = SshHost("dom0a", config=server.configure(), timeout_s=5)
    host.run("true 'quoted'")
    host.close()
    assert server.commands == ["sudo -n sh -c 'true '\"'\"'quoted'\"'\"''"]
    assert SshHost("root@dom0a", config=server.configure())._sudo is False


def test_an_unknown_key_is_refused_and_named(server: SshServer, host: SshHost) -> None:
    server.know(None)
    with pytest.raises(HostError, match="not known") as error:
        host.run("true")
    assert fingerprint(server.host_key) in str(error.value)
    assert server.commands == []


def test_a_changed_key_is_refused_and_both_are_named(server: SshServer, host: SshHost) -> None:
    other = paramiko.ECDSAKey.generate()
    server.know(other)
    with pytest.raises(HostError, match="another key") as error:
        host.run("true")
    assert fingerprint(server.host_key) in str(error.value)
    assert fingerprint(other) in str(error.value)


def test_a_key_that_is_not_let_in_is_told(server: SshServer, host: SshHost) -> None:
    server.client_key = paramiko.ECDSAKey.generate()
    with pytest.raises(HostError, match="admin in with none of the keys"):
        host.run("true")


def test_a_host_that_is_away_is_a_passing_trouble(server: SshServer, host: SshHost) -> None:
    server.close()
    with pytest.raises(HostUnreachableError, match="dom0a did not answer"):
        host.run("true")


def test_a_cut_stream_is_told_apart_from_its_end(server: SshServer, host: SshHost) -> None:
    stream = host.stream("echo ready; cat")
    assert stream.read(5) == b"ready\n"
    server.cut()
    with pytest.raises(HostUnreachableError):
        stream.read(5)


def test_a_connection_that_broke_is_made_anew(server: SshServer, host: SshHost) -> None:
    host.run("true")
    server.cut()
    assert host.run("echo back").out == "back\n"


def test_a_command_that_takes_too_long_is_given_up(host: SshHost) -> None:
    with pytest.raises(HostUnreachableError):
        host.run("sleep 3", timeout_s=0.1)


def test_a_jump_host_is_followed(server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    far = SshServer(tmp_path / "far", environment={"PATH": "/usr/bin:/bin", "WHERE": "far"})
    config = server.configure()
    far_config = far.configure("ProxyJump dom0a").read_text().replace("dom0a\n HostName", "dom0b\n HostName", 1)
    config.write_text(config.read_text() + far_config)
    host = SshHost("dom0b", config=config, sudo=False, timeout_s=5)
    assert host.run("echo $WHERE").out == "far\n"
    assert server.commands == ["direct 127.0.0.1"]
    host.close()
    far.close()


def test_no_secret_shows(host: SshHost) -> None:
    assert repr(host) == "SshHost('dom0a')"
