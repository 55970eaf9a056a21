"""Stations and operators as Locust users, what one process records of them, and how it is judged."""
