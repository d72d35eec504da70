"""What runs a pipeline: partitions assigned by the group, one task for each, offsets, liveness. Knows no students."""
