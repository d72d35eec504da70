"""Proof of what the services promise under faults: a ledger of all that was asked, compared with the log."""
