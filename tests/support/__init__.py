"""Harnesses shared by tests and benchmarks."""
