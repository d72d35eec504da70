"""Alerts that are sent by a webhook, and what may happen to that."""
