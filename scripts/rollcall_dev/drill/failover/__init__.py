"""The loss of a broker: one of three is killed under load, and started again."""
