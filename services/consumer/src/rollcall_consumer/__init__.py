"""Rollcall's worker: consumes the topic Student in a group, and shows the stream."""
