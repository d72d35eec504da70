"""Effects: what touches the outside world, once at the least, and in order for each key alone."""
