"""What the worker has derived, in SQLite: followed as it changes, and read by whoever asks."""
