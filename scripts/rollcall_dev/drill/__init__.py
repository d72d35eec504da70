"""Rehearsals of what an operator has to live through, each with a proof that the promises were kept."""
