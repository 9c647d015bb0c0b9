"""What must be fast, as ratios of neighbours in time: `make bench`, or ``python -m tests.benchmarks``."""
