"""What a line of xl's text can say, as patterns that match anywhere in it: two writers share the line."""

import re
from collections.abc import Iterator

_COUNT = r"\d{1,18}"

_PHRASES = {
    # Numbers of a pass.
    "call": rf"iteration (?P<call_i>\d{{1,9}}) dirty_count (?P<call_d>-1|{_COUNT}) total_written (?P<call_w>{_COUNT})",
    "old_call": rf"iteration (?P<old_i>\d{{1,9}}) total_written (?P<old_w>{_COUNT}) dirty_count (?P<old_d>-1|{_COUNT})",
    "helper_call": rf"iteration (?P<helper_i>\d{{1,9}}): (?P<helper_d>{_COUNT}) dirty, (?P<helper_w>{_COUNT}) sent, "
    r"(?P<helper_s>\d{1,9}\.\d{1,9}) s: (?P<helper_decision>continue|stop|abort)",
    "rate": rf"(?P<rate_bytes>{_COUNT}) bytes \+ (?P<rate_pages>{_COUNT}) pages in "
    r"(?P<rate_s>\d{1,9}\.\d{1,9}) sec",
    "frames": rf"Frames iteration (?P<frames_i>\d{{1,9}})(?: of \d+)?: \d+/(?P<frames_total>{_COUNT})",
    # Facts about the guest and the host.
    "guest": r"Saving domain (?P<guest_domid>\d{1,9}), type x86 (?P<guest_type>HVM|PV)",
    "domid": r"libxl_domain_suspend: Domain (?P<domid_domid>\d{1,9}):",
    "xen": r"domain from Xen (?P<xen_version>\d{1,3}\.\d{1,3})",
    "allocated": rf"save start, (?P<allocated_pages>{_COUNT}) pages allocated",
    "p2m": r"SUSEINFO: domid \d+: p2m_size (?P<p2m_pages>[0-9a-f]{1,12})",
    "stock_helper": r"libxl-save-helper: debug: starting save",
    # The phases of a migration that goes well.
    "ready": r"migration target: Ready to receive domain",
    "suspend_asked": r"issuing .{1,20} ?suspend request",
    "suspended": r"guest has suspended|Domain now suspended",
    "save_complete": r"complete r=0|domid \d+: save done",
    "acknowledged": r"Target has acknowledged transfer",
    "permitted": r"Giving target permission to start",
    "started": r"Target reports successful startup",
    "successful": r"Migration successful\.",
    # The ways in which one does not.
    "undefined": r"Migration failed during final handshake|state is now undefined",
    "too_busy": r"Migration aborted as requested, domain is too busy|aborted, \d+ remaining dirty pages"
    r"|busy, dirty pages \d",
    "loop_aborted": r"Abort precopy loop",
    "stream_cut": r"to stream \(9 = Bad file descriptor\)",
    "no_log_dirty": r"Failed to enable logdirty",
    "no_answer": r"guest didn't acknowledge suspend|guest did not suspend, timed out",
    "not_suspended": r"Migration failed, failed to suspend at sender",
    "resuming": r"Migration failed, resuming at sender",
    "resumed": r"migration sender: Resumed OK",
    "at_target": r"Migration failed due to problems at target",
    "no_config": r"No config file stored for running domain and none supplied",
    "no_receiver": r"contained unexpected data instead of|truncated reading banner from migration receiver",
    # Why SUSE's policy up to Xen 4.13 stopped.
    "max_iters": r"too many iterations \(",
    "min_remaining": r"dirty_count reached \(",
    "max_factor": r"too much memory transfered \(",
}

_ANY = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PHRASES.items()))
_OVERWRITTEN = re.compile(r"\r[ ]*\r")


def phrases(line: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Find what a line says, in its order: the kind of each phrase, and the values in it by their short names.

    A terminal's progress lines are written over with CR; what was written over is read, too.
    """
    for match in _ANY.finditer(_OVERWRITTEN.sub(" ", line)):
        named = match.groupdict()
        kind = next(name for name in _PHRASES if named[name] is not None)
        prefix = kind.removesuffix("_call") + "_"
        values = {name: text for name, text in named.items() if text and name.startswith(prefix)}
        yield kind, {name.removeprefix(prefix): text for name, text in values.items()}
