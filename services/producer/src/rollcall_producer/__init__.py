"""Rollcall's HTTP API: a PUT becomes a record on the topic Student."""
