"""What a dom0 can do, asked in one go, and the way in which the policy is applied there."""

import shlex
from dataclasses import dataclass
from enum import StrEnum

from xlkit.backends.host import Host
from xlkit.errors import PreflightError
from xlkit.units import PAGE_BYTES

HELPER_MINORS = range(14, 23)
"""Minor versions of Xen 4 on which the save helper may decide; `dom0/save_helper.py` has the table and its sources."""
OBSERVER_MINORS = range(10, 23)
_OLDEST_PYTHON_MINOR = 6

_SCRIPT = r"""
LC_ALL=C; export LC_ALL
say() { printf '%s\t%s\n' "$1" "$2"; }
say user "$(id -u)"
say machine "$(uname -m)"
say xl "$(command -v xl)"
for python in /usr/bin/python3 /usr/libexec/platform-python /usr/local/bin/python3 "$(command -v python3)"; do
  [ -x "$python" ] || continue
  say python "$python"
  say python_version "$("$python" -ISs -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1)"
  break
done
xl info 2>&1 | sed -n 's/^\(xen_version\|xen_major\|xen_minor\|xen_extra\) *: */\1\t/p'
xl help migrate 2>&1 | sed -n 's/.*\(--min_remaining\|--max_iters\|--abort_if_busy\).*/flag\t\1/p'
for helper in "$XLKIT_STOCK_HELPER" /usr/lib/xen-*/bin/libxl-save-helper /usr/lib/xen/bin/libxl-save-helper \
    /usr/lib64/xen/bin/libxl-save-helper /usr/libexec/xen/bin/libxl-save-helper \
    /usr/local/lib/xen/bin/libxl-save-helper; do
  [ -x "$helper" ] && say helper "$helper $(grep -ao 'libxenguest\.so\.[0-9.]*' "$helper" | head -n 1)"
done
say domid "$(xl domid DOMAIN 2>/dev/null)"
say domain "$(xl list DOMAIN 2>/dev/null | tail -n 1)"
say space "$(df -Pk /var/lib 2>/dev/null | tail -n 1 | awk '{print $4}')"
"""


class Way(StrEnum):
    """How the policy is applied on a host."""

    AUTO = "auto"
    NATIVE = "native"
    HELPER = "helper"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dom0:
    """What a dom0 told of itself.

    Parameters
    ----------
    label : str
        The host.
    xen : str
        Version of the running Xen, ``4.17`` for example; empty where xl cannot tell.
    flags : frozenset of str
        Which of the patched options ``xl help migrate`` lists.
    python : str
        Path of a Python 3.6 or newer; empty where there is none.
    stock_helper : str
        Path of the libxl-save-helper that belongs to that Xen; empty where there is none.
    machine : str
        Its architecture.
    domid : int or None
        Number of the domain; None where no such domain runs.
    memory_pages : int or None
        Size of the domain [page of 4096 B].
    versions : dict of str to str
        Versions of what takes part.
    """

    label: str
    xen: str
    flags: frozenset[str]
    python: str
    stock_helper: str
    machine: str
    domid: int | None
    memory_pages: int | None
    versions: dict[str, str]

    @property
    def minor(self) -> int:
        """Minor version of Xen 4; -1 for any other."""
        major, _, minor = self.xen.partition(".")
        return int(minor) if major == "4" and minor.isdigit() else -1

    def why_not(self, way: Way) -> str:
        """Say why a way cannot work here; empty when it can.

        Parameters
        ----------
        way : Way
            Native, helper or observe.

        Returns
        -------
        str
            The reason, without a full stop.
        """
        minors = HELPER_MINORS if way is Way.HELPER else OBSERVER_MINORS
        missing = sorted({"--min_remaining", "--max_iters"} - self.flags)
        reasons = {
            "it has no Python 3.6 or newer": not self.python,
            f"no libxl-save-helper of Xen {self.xen} was found (XLKIT_STOCK_HELPER names it)": not self.stock_helper,
            f"Xen {self.xen} is not one of 4.{minors[0]} to 4.{minors[-1]}": self.minor not in minors,
            f"its xl does not know {' and '.join(missing)}": way is Way.NATIVE and bool(missing),
            "its patched xl sets the policy itself": way is Way.HELPER and not missing,
            f"the layout is not known for {self.machine}": way is Way.HELPER and self.machine != "x86_64",
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def check_abort_if_busy(self, way: Way) -> None:
        """Refuse ``--abort_if_busy`` where it cannot work.

        Parameters
        ----------
        way : Way
            How the policy is applied.

        Raises
        ------
        PreflightError
            If the host's xl does not know it, or its policy is not the one that decides.
        """
        if "--abort_if_busy" not in self.flags:
            raise PreflightError(f"The xl on {self.label} does not know --abort_if_busy. Nothing was started.")
        refuse_busy(way)

    def choose(self, way: Way) -> Way:
        """Return the way that is used: the forced one, or the first that works.

        Parameters
        ----------
        way : Way
            What is wanted.

        Returns
        -------
        Way
            Native, helper or observe.

        Raises
        ------
        PreflightError
            If that way, or every way, cannot work here.
        """
        wanted = [Way.NATIVE, Way.HELPER] if way is Way.AUTO else [way]
        reasons = [(one, self.why_not(one)) for one in wanted]
        for one, reason in reasons:
            if not reason:
                return one
        told = "; ".join(f"{one}: {reason}" for one, reason in reasons)
        observable = way is Way.AUTO and not self.why_not(Way.OBSERVE)
        more = " way='observe' records what the host decides." if observable else ""
        raise PreflightError(f"The policy cannot be applied on {self.label}: {told}. Nothing was started.{more}")


def refuse_busy(way: Way) -> None:
    """Refuse ``--abort_if_busy`` for a way in which xl's own flags do not decide.

    Parameters
    ----------
    way : Way
        How the policy is applied.

    Raises
    ------
    PreflightError
        If xl's own policy is not the one that decides.
    """
    if way in {Way.HELPER, Way.OBSERVE}:
        raise PreflightError(
            f"--abort_if_busy goes with xl's own flags (way='native'), not with way='{way}'; a policy that answers "
            "abort does the same there. Nothing was started."
        )


def probe(host: Host, domain: str) -> Dom0:
    """Ask a dom0 what it can do; nothing is changed there.

    Parameters
    ----------
    host : Host
        The source.
    domain : str
        Name of the guest.

    Returns
    -------
    Dom0
        What it told.

    Raises
    ------
    PreflightError
        If it is no dom0, or commands do not run as root.
    HostUnreachableError
        If it does not answer.
    """
    reply = host.run(_SCRIPT.replace("DOMAIN", shlex.quote(domain)))
    told: dict[str, list[str]] = {}
    for line in reply.out.splitlines():
        key, _, value = line.partition("\t")
        told.setdefault(key, []).append(value.strip())
    first = {key: values[0] for key, values in told.items()}
    _check(host, first, reply.err)
    xen = f"{first.get('xen_major', '')}.{first.get('xen_minor', '')}"
    python = first.get("python", "") if _new_enough(first.get("python_version", "")) else ""
    memory_mib = [*first.get("domain", "").split(), "", "", ""][2]
    return Dom0(
        label=host.label,
        xen=xen,
        flags=frozenset(told.get("flag", [])),
        python=python,
        stock_helper=_helper_of(xen, told.get("helper", [])),
        machine=first.get("machine", ""),
        domid=int(first["domid"]) if first.get("domid", "").isdigit() else None,
        memory_pages=int(memory_mib) * 2**20 // PAGE_BYTES if memory_mib.isdigit() else None,
        versions={
            "xen": first.get("xen_version", xen),
            "dom0 python": first.get("python_version", "none"),
        },
    )


def _check(host: Host, first: dict[str, str], err: str) -> None:
    if first.get("user") != "0":
        raise PreflightError(
            f"Commands on {host.label} do not run as root (user {first.get('user', 'unknown')}): {err.strip()[:200]} "
            "Log in as root, or let sudo run without a password."
        )
    if not first.get("xl"):
        raise PreflightError(f"{host.label} has no xl: it is no dom0 of a Xen host, or xl is not on root's PATH.")
    if not first.get("xen_major"):
        raise PreflightError(f"`xl info` on {host.label} tells no version of Xen: is Xen running there?")


def _new_enough(version: str) -> bool:
    major, _, minor = version.partition(".")
    return major == "3" and minor.isdigit() and int(minor) >= _OLDEST_PYTHON_MINOR


def _helper_of(xen: str, found: list[str]) -> str:
    for one in found:
        path, _, library = one.rpartition(" ")
        if library == f"libxenguest.so.{xen}":
            return path
    return ""
