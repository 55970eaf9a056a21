"""What every OCPP version has in common at a station: frames, the connection, the boot, the queue, checked orders.

It knows CALLs, answers and the two messages no version does without (BootNotification, Heartbeat); every other action,
payload and status word is the business of a controller (`v16`, `v201`), which hands itself over as a `Dialect`.
May import the physical station, never a controller.
"""
