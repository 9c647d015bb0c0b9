"""Panels for notebooks: they bind widgets to public calls, and think nothing themselves."""

from xlkit.panels.launch import LaunchPanel
from xlkit.panels.livechart import LiveChart

__all__ = ["LaunchPanel", "LiveChart"]
