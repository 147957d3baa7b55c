"""Runs that wait for a device: what they wait for, who starts them, sweeps of many."""

MOST = 1_000_000
"""Largest priority, memory in GB and number of retries."""
