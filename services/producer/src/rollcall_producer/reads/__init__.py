"""Reads: what is answered from the view, and from the log."""
