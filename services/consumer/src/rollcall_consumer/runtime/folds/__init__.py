"""Folds: records to what is derived of them, exactly once."""
