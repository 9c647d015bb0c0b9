"""The line of xl migrate: golden lines for what is asked, one sentence for what is hostile."""

import json
import shlex
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.backends.xl_command import SUSPEND_DEBUG, SUSPEND_LIVE, SuspendProps, XlOptions, xl_command
from xlkit.errors import InvalidValueError

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "xl_command").glob("*.json"))
HOSTILE_HOSTS = [
    "", " ", "hostb;reboot", "hostb reboot", "$(reboot)", "`reboot`", "hostb\nreboot", "hostb\n", "-l", "*", "~",
    "-oProxyCommand=reboot", "root@-oProxyCommand=x", "a@b@c", "host|b", "host&", "host>x", "host'", 'host"', "host\\",
    "[::1", "::1]", "[]", "[hostb]", "1:2", "[$(reboot)]", "h\u00f3st", "host\0b", "h\u043estb", "@hostb", "h" * 300,
]  # fmt: skip
HOSTILE_DOMAINS = [
    "",
    "-g1",
    "--help",
    "g1 g2",
    "g1;reboot",
    "../g1",
    "g1\n",
    "$(x)",
    "g*",
    "g\u00e4st",
    "g\0",
    "g" * 129,
]
HOSTILE_COMMANDS = [
    "", " ", "ssh  -4", "ssh;reboot", "ssh $(reboot)", "ssh `reboot`", "ssh -o 'ProxyCommand=reboot'", "-p 22", "ssh&",
    "ssh -oProxyCommand=reboot", "ssh -oproxycommand=reboot", "ssh -o LocalCommand=reboot", "ssh > /etc/passwd",
    "~/ssh", "ssh\n-4",
]  # fmt: skip
HOSTILE_PATHS = ["", "g.cfg", "/etc/xen/$(reboot)", "/etc/xen/g 1.cfg", "/x;y", "-C", "/x\n", "/x\0y", "~/g.cfg", "/"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_arguments_give_the_golden_line(path: Path) -> None:
    case = json.loads(path.read_text())
    props = case["props"] and SuspendProps(**case["props"])
    words = xl_command(case["domain"], case["host"], XlOptions(**case["options"]), props)
    assert shlex.join(words) == case["line"]
    assert shlex.split(case["line"]) == words


def test_there_are_golden_lines_for_every_option() -> None:
    words = {word for path in GOLDEN for word in json.loads(path.read_text())["words"]}
    assert len(GOLDEN) >= 10
    assert {"-C", "-s", "-e", "-p", "-D", "--debug", "--live", "--max_iters", "--min_remaining"} <= words
    assert {"-v", "-vvv", "-T", "-t", "-f", "-N"} <= words


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_a_hostile_host_is_refused_in_one_sentence(host: str) -> None:
    with pytest.raises(InvalidValueError, match="HOST must be") as caught:
        xl_command("g1", host)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("domain", HOSTILE_DOMAINS)
def test_a_hostile_domain_is_refused(domain: str) -> None:
    with pytest.raises(InvalidValueError, match="DOMAIN must be a name"):
        xl_command(domain, "hostb")


@pytest.mark.parametrize("command", HOSTILE_COMMANDS)
def test_a_hostile_ssh_command_is_refused(command: str) -> None:
    with pytest.raises(InvalidValueError, match="The ssh command"):
        XlOptions(ssh=command)


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_hostile_configuration_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidValueError, match="The configuration file"):
        XlOptions(config=path)


@pytest.mark.parametrize("number", [-1, 2**32, "5", 1.5, True, None])
def test_what_atoi_would_take_silently_is_refused(number: object) -> None:
    with pytest.raises(InvalidValueError, match="min_remaining must"):
        SuspendProps(min_remaining=number)  # type: ignore[arg-type]


@pytest.mark.parametrize("flags", [0, SUSPEND_DEBUG, 4, 7])
def test_flags_of_something_else_than_a_live_migration_are_refused(flags: int) -> None:
    with pytest.raises(InvalidValueError, match="SUSPEND_LIVE"):
        SuspendProps(flags=flags)


def test_libxl_s_debug_flag_is_xl_s_option_and_stands_once() -> None:
    props = SuspendProps(SUSPEND_LIVE | SUSPEND_DEBUG)
    assert xl_command("g1", "hostb", None, props) == ["xl", "migrate", "--debug", "g1", "hostb"]
    assert xl_command("g1", "hostb", XlOptions(debug=True), props) == ["xl", "migrate", "--debug", "g1", "hostb"]


@pytest.mark.parametrize("host", ["2001:db8::17", "[2001:db8::17]", "[2001:DB8:0::17]"])
def test_an_ipv6_address_stands_without_brackets_as_ssh_takes_it(host: str) -> None:
    assert xl_command("g1", f"root@{host}")[-1] == "root@2001:db8::17"


@given(st.text(alphabet=string.printable, max_size=20))
def test_whatever_passes_means_the_same_with_and_without_a_shell(text: str) -> None:
    try:
        words = xl_command("g1", text)
    except InvalidValueError:
        return
    assert set(words[-1]) <= set(string.ascii_letters + string.digits + "_.-@:")
    assert not words[-1].startswith("-")
