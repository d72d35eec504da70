"""What Rollcall is measured against: a limit that it can't beat, and the obvious way, with HTTP and without.

Beside those of its effects is their runtime itself, in a process like theirs.
"""
