"""Viewers of the stream go on wherever they get through, while replicas of the API are killed."""
