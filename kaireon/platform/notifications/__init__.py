"""Destinations of messages, and the ledger of every delivery to them.

Doors: `services` (open, deliver, send, test, resend, configure), `selectors`, `decisions` (words and rules).
A message leaves through `services.deliver_due` and nowhere else; Test takes the same path. This area knows nobody
who sends: system health and alerts hand it `DeliveryRequest`s, and `services.on_destination_broken` tells them back.
"""
