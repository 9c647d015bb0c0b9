"""What the phrases of xl's text amount to: how the run ended, where the guest runs, and what to tell people."""

from collections.abc import Collection

from xlkit.model import Side, Status

_UNDEFINED = (
    "The final handshake failed, and nobody can tell which host runs the guest. Look at both with `xl list`: where the "
    "destination runs it, destroy the paused NAME--migratedaway at the source; where it does not, destroy "
    "NAME--incoming there, then rename and unpause the guest at the source. Never let both run."
)
_MISLEADS = (
    "xl says that the guest did not respond to a suspend request or failed to suspend; that misleads: nothing was "
    "suspended, and the guest ran on at the source throughout."
)
_NO_LOG_DIRTY = (
    "Xen at the source cannot log this guest's dirty pages (`Failed to enable logdirty`), so the migration failed "
    "before the first pass and the guest ran on at the source. A PV guest needs a hypervisor with shadow paging, which "
    "is no longer built by default; PVH and HVM guests need hardware-assisted paging."
)
_TOO_BUSY = "Aborted because the guest was too busy (--abort_if_busy); it runs at the source."
_LOOP_ABORTED = f"The policy's answer was abort. {_MISLEADS}"
_CUT = f"The save was told to give up in mid-pass. {_MISLEADS}"
_NO_ANSWER = "The guest did not suspend in time when it was asked to; it runs at the source."
_PAUSED = "The migration failed while the guest was suspended; xl resumed it at the source."
_RESUMED = "The destination could not start the guest; xl resumed it at the source."
_NOT_STARTED = "The destination could not start the guest. Look at both hosts with `xl list`."
_NO_CONFIG = "xl has no configuration of this guest; give one with -C. Nothing was started."
_NO_RECEIVER = (
    "No migration receiver answered on the destination: look at ssh, at xl there, and at what the shell prints."
)

_ENDINGS = (
    ({"undefined"}, Status.UNDEFINED, Side.UNKNOWN, _UNDEFINED),
    ({"successful"}, Status.COMPLETED, Side.DESTINATION, ""),
    ({"too_busy"}, Status.ABORTED, Side.SOURCE, _TOO_BUSY),
    ({"loop_aborted"}, Status.ABORTED, Side.SOURCE, _LOOP_ABORTED),
    ({"stream_cut", "not_suspended"}, Status.ABORTED, Side.SOURCE, _CUT),
    ({"no_log_dirty"}, Status.FAILED, Side.SOURCE, _NO_LOG_DIRTY),
    ({"resuming", "suspended"}, Status.FAILED, Side.SOURCE, _PAUSED),
    ({"resuming"}, Status.FAILED, Side.SOURCE, "The migration failed; xl let the guest run on at the source."),
    ({"at_target", "resumed"}, Status.FAILED, Side.SOURCE, _RESUMED),
    ({"at_target"}, Status.FAILED, Side.UNKNOWN, _NOT_STARTED),
    ({"no_answer", "not_suspended"}, Status.FAILED, Side.SOURCE, _NO_ANSWER),
    ({"not_suspended"}, Status.FAILED, Side.SOURCE, f"The save failed. {_MISLEADS}"),
    ({"no_config"}, Status.FAILED, Side.SOURCE, _NO_CONFIG),
    ({"no_receiver"}, Status.FAILED, Side.SOURCE, _NO_RECEIVER),
)
_CUT_SHORT = "The text ends before the migration does; look at both hosts to see where the guest runs."


def ending(seen: Collection[str]) -> tuple[Status, Side, str]:
    """Tell how a run ended from the phrases that its text holds."""
    for kinds, status, side, message in _ENDINGS:
        if kinds <= set(seen):
            return status, side, message
    return Status.INCOMPLETE, Side.UNKNOWN, _CUT_SHORT
