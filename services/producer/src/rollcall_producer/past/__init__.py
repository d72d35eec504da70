"""What lies in the log, read for one student at a time."""
