"""Whether a later document keeps what an earlier one promised.

What is read from others, requests and records that are handled: nothing that was valid becomes invalid. What is written
for others, answers and records: nothing that a reader relies on goes away. So, value by value:

- read: all that the earlier schema admits, the later one admits
- written: all that the later schema admits, the earlier one admits
- both: a property that was declared stays

Properties that an open object does not declare count as absent: readers ignore them, so new ones may come.
"""
