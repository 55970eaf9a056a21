"""An event-sourced CSMS: a pure core between a log and a wire.

An intent is decided; a fact is recorded. An intent that loses a race is decided again, before anything is sent. A fact
that loses a race is appended again at the next version, and nothing is sent again.

`domain` decides and folds, `ocppj` and the `dialects` read and write frames, `store` keeps the log; `handle`,
`dispatch` and `presence` await the store and timers; `node` puts one CSMS process together.
"""
