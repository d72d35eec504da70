"""The loss of a whole cluster, with a second one that a mirror copies the updates to."""
