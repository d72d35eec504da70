"""Benchmarks: what Rollcall costs and stands, beside what it could cost at best and what the obvious way costs.

Each bench is a module in the table of `__main__`; to add one, write it beside `ingest` and name it there.
"""
