"""Proof of what the pipeline `record` promises under faults: what was sent, what it has led to, and what it had to."""
