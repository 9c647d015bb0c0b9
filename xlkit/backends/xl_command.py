"""The line of ``xl migrate``: every option of it, checked and quoted.

xl pastes HOST and the command of ``-s`` into a root shell as they are, and ssh takes a HOST that begins with ``-`` for
an option; so both are held to what can only be a host and the words of a command.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from xlkit.errors import InvalidValueError
from xlkit.units import whole_number

SUSPEND_DEBUG: Final = 1
SUSPEND_LIVE: Final = 2

_MOST_VERBOSE: Final = 3
_DOMAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}", re.ASCII)
_HOST: Final = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[?[0-9A-Fa-f:.]{2,45}\]?)"
)
_WORD: Final = re.compile(r"[A-Za-z0-9@%+=:,./_-]{1,255}", re.ASCII)
_RUNS_MORE: Final = re.compile(r"command|provider|exec|include", re.IGNORECASE)
_PATH: Final = re.compile(r"/[A-Za-z0-9@%+=:,./_-]{1,1023}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SuspendProps:
    """Props of a suspend as the ``--min_remaining`` series gives them to libxl (``libxl_domain_suspend_props``).

    Parameters
    ----------
    flags : int, default SUSPEND_LIVE
        `SUSPEND_LIVE`, and `SUSPEND_DEBUG` or not.
    max_iters : int, default 0
        Stop when so many passes are done; 0 asks for the host's default.
    min_remaining : int, default 0
        Stop when fewer pages are dirty before a pass [page of 4096 B]; 0 asks for the host's default.

    Raises
    ------
    InvalidValueError
        If a number is no unsigned one of 32 bits, or the flags are not those of a live migration.
    """

    flags: int = SUSPEND_LIVE
    max_iters: int = 0
    min_remaining: int = 0

    def __post_init__(self) -> None:
        whole_number("max_iters", self.max_iters)
        whole_number("min_remaining", self.min_remaining)
        if self.flags not in {SUSPEND_LIVE, SUSPEND_LIVE | SUSPEND_DEBUG}:
            raise InvalidValueError(f"flags must be SUSPEND_LIVE, with SUSPEND_DEBUG or without, not {self.flags!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class XlOptions:
    """What ``xl migrate`` can be told besides the stop rule.

    Parameters
    ----------
    config : str or None, default None
        File on the source that is sent as the guest's configuration (``-C``).
    ssh : str or None, default None
        Command that the source reaches the destination with, in place of ssh (``-s``).
    no_monitor : bool, default False
        Leave no xl behind that watches the guest at the destination (``-e``).
    paused : bool, default False
        Leave the guest paused at the destination (``-p``).
    preserve_domid : bool, default False
        Keep the domain's id (``-D``; Xen 4.14 or newer).
    debug : bool, default False
        Send the memory a second time and compare, guest suspended (``--debug``; doubles traffic and downtime).
    live : bool, default False
        For fingers that are used to it; xl migrates live anyway (``--live``).
    abort_if_busy : bool, default False
        Give up instead of suspending a guest that is still busy when the passes run out (``--abort_if_busy``; a patched
        xl only). The patch as posted in 2021 gives up on a guest that is idle enough as well.
    verbose : int, default 0
        How often ``-v`` is given, up to 3.
    timestamps : bool, default False
        Prefix xl's lines with time and process (``-T``; Xen 4.15 or newer).
    progress : bool, default False
        Write progress over with CR, as on a terminal (``-t``).
    force : bool, default False
        Run beside another xl that seems to run (``-f``).
    dry_run : bool, default False
        Let xl only say what it would do (``-N``).

    Raises
    ------
    InvalidValueError
        If the file or the command could mean anything else to a shell, or `verbose` is out of range.

    Examples
    --------
    >>> XlOptions(ssh="ssh -p 2222").migrate_words()
    ['-s', 'ssh -p 2222']
    """

    config: str | None = None
    ssh: str | None = None
    no_monitor: bool = False
    paused: bool = False
    preserve_domid: bool = False
    debug: bool = False
    live: bool = False
    abort_if_busy: bool = False
    verbose: int = 0
    timestamps: bool = False
    progress: bool = False
    force: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        whole_number("verbose", self.verbose, largest=_MOST_VERBOSE)
        if self.config is not None and not _PATH.fullmatch(self.config):
            raise InvalidValueError(
                f"The configuration file (-C) must be an absolute path on the source, of letters, digits and "
                f"@%+=:,./_- alone, not {self.config!r}."
            )
        if self.ssh is not None:
            _check_command(self.ssh)

    def global_words(self) -> list[str]:
        """Return the options that stand before ``migrate``.

        Returns
        -------
        list of str
            One word each.
        """
        flags = (("-f", self.force), ("-N", self.dry_run), ("-t", self.progress), ("-T", self.timestamps))
        verbose = [f"-{'v' * self.verbose}"] if self.verbose else []
        return verbose + [flag for flag, given in flags if given]

    def migrate_words(self) -> list[str]:
        """Return the options that stand after ``migrate``.

        Returns
        -------
        list of str
            One word each, values apart from their options.
        """
        values = (("-C", self.config), ("-s", self.ssh))
        flags = (
            ("-e", self.no_monitor), ("-p", self.paused), ("-D", self.preserve_domid),
            ("--debug", self.debug), ("--live", self.live), ("--abort_if_busy", self.abort_if_busy),
        )  # fmt: skip
        words = [word for flag, value in values if value is not None for word in (flag, value)]
        return words + [flag for flag, given in flags if given]


def xl_command(
    domain: str, host: str, options: XlOptions | None = None, props: SuspendProps | None = None
) -> list[str]:
    """Build the command that migrates a guest.

    Parameters
    ----------
    domain : str
        Name or id of the guest.
    host : str
        Where it goes: ``[user@]name``, an IPv4 or an IPv6 address.
    options : XlOptions or None, default None
        What xl is told besides.
    props : SuspendProps or None, default None
        The stop rule, for an xl that has the flags; None where it is applied in another way.

    Returns
    -------
    list of str
        The words; `shlex.join` makes the line of them.

    Raises
    ------
    InvalidValueError
        If the domain or the host could mean anything else to xl or to a shell.

    References
    ----------
    .. [1] Xen, ``tools/xl/xl_migrate.c``, ``main_migrate()``: what is pasted into the shell.

    Examples
    --------
    >>> import shlex
    >>> shlex.join(xl_command("web1", "root@hostb", XlOptions(verbose=3), SuspendProps(min_remaining=500)))
    'xl -vvv migrate --min_remaining 500 web1 root@hostb'
    """
    check_domain(domain)
    destination = destination_word(host)
    options, props = options or XlOptions(), props or SuspendProps()
    words = options.migrate_words()
    if props.flags & SUSPEND_DEBUG and not options.debug:
        words.append("--debug")
    numbers = (("--max_iters", props.max_iters), ("--min_remaining", props.min_remaining))
    knobs = [word for flag, number in numbers if number for word in (flag, str(number))]
    return ["xl", *options.global_words(), "migrate", *words, *knobs, domain, destination]


def check_domain(domain: str) -> None:
    """Refuse what cannot be the name of a Xen domain.

    Parameters
    ----------
    domain : str
        Name or id of the guest.

    Raises
    ------
    InvalidValueError
        If it holds anything but letters, digits and _.+-, or does not begin with a letter or digit.
    """
    if not _DOMAIN.fullmatch(domain):
        raise InvalidValueError(
            f"DOMAIN must be a name of letters, digits and _.+- that begins with a letter or digit, not {domain!r}."
        )


def destination_word(host: str) -> str:
    """Turn the destination into the word that xl pastes into a root shell, or refuse it.

    Parameters
    ----------
    host : str
        ``[user@]name``, an IPv4 address, or an IPv6 address with brackets or without.

    Returns
    -------
    str
        The same; an IPv6 address loses its brackets, with which ssh would not find it and a shell would seek files.

    Raises
    ------
    InvalidValueError
        If it could be anything else.

    Examples
    --------
    >>> destination_word("root@[2001:db8::17]")
    'root@2001:db8::17'
    """
    match = _HOST.fullmatch(host)
    user, name = match.groups("") if match else ("", "")
    if match and (":" in name or "[" in name or "]" in name):
        name = _ipv6(name)
    if not name:
        raise InvalidValueError(
            f"HOST must be [user@]name, an IPv4 address or an IPv6 address, not {host!r}: xl would paste it into "
            "a root shell."
        )
    return user + name


def _ipv6(text: str) -> str:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ipaddress.IPv6Address(inner))
    except ValueError:
        return ""


def _check_command(command: str) -> None:
    words = command.split(" ")
    plain = all(_WORD.fullmatch(word) for word in words) and not words[0].startswith("-")
    if not plain or any(_RUNS_MORE.search(word) for word in words[1:]):
        raise InvalidValueError(
            f"The ssh command (-s) must be plain words with one blank between them, a program first, and must not name "
            f"further commands to run, not {command!r}: xl would paste it into a root shell. What needs more belongs "
            "into the source's ~/.ssh/config."
        )
