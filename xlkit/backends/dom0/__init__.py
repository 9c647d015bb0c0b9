"""Cargo: files that are carried to a dom0 and run there by its own Python, 3.6 or newer.

Nothing here is imported by xlkit.
"""
