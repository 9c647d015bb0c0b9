"""Migrations that others recorded on QEMU, read as runs."""
