"""Tests of the live engine's mechanisms and processes."""
