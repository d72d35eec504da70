"""What a developer of Rollcall runs: the whole of it on one machine, and its checks."""
