"""Callers, each kind in a process of its own."""
