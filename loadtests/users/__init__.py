"""Stations and operators as Locust users, what one process records of them, and how it is judged.

May import the records, judges and targets of `scenarios`; the only room that imports Locust and gevent.
"""
