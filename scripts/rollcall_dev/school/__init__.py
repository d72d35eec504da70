"""A school day to look at: a plan of who logs in and out when, and how it is played."""
