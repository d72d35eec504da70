"""The kinds of messages, each a bit, so that a viewer may want several."""

EVENT, STATE, ALERT = 1, 2, 4

ORDER = (EVENT, STATE, ALERT)
"""As the topics of the stream are counted."""

NAMES = {EVENT: b"event", STATE: b"state", ALERT: b"alert"}

KINDS = {name.decode(): kind for kind, name in NAMES.items()}
"""Kinds by the names that callers use."""

EVERY = EVENT | STATE | ALERT
