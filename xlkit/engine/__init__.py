"""The embedded live engine: a real guest process, migrated over TCP with no hypervisor and no root."""
