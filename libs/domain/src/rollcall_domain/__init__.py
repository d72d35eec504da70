"""What Rollcall's services agree on: events, their wire form, topics and partitioning."""
