"""The page that a school keeps open: who is in, what happens, and a form that sends updates."""
