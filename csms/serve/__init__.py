"""A process: websocket server, gate and credentials, the operator's API, projections, the wall clock.

Imports anything of `csms`; nothing of `csms` outside this room imports it."""
