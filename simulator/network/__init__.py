"""Links: a simulated network with latency, loss and cuts, and real WebSockets with dialling and a wall clock.

Carries text frames and knows no OCPP action. Imports nothing of the simulator but `timer`.
"""
