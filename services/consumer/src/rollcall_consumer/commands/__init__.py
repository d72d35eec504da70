"""The commands of `rollcall-consumer`: what they take, and how they show what comes of it."""
