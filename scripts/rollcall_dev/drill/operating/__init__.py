"""What operators do to a pipeline, under load and with processes that are killed, and what comes of it."""
