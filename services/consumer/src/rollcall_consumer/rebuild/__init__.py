"""What a group derives, derived anew: beside that which serves, and then in its place."""
