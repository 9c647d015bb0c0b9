"""Panels for notebooks: they bind widgets to public calls, and think nothing themselves."""

from xlkit.panels.browse import BrowsePanel
from xlkit.panels.launch import LaunchPanel
from xlkit.panels.learn import LearnPanel
from xlkit.panels.livechart import LiveChart
from xlkit.panels.tabs import AppPanel
from xlkit.panels.watch import WatchPanel

__all__ = ["AppPanel", "BrowsePanel", "LaunchPanel", "LearnPanel", "LiveChart", "WatchPanel"]
