"""Proof of what effects promise under faults: each once at the least, in order for each key, and why any was twice."""
