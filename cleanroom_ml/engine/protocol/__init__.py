"""Snowflake's wire protocol as pure functions.

Requests in, responses out. Nothing here reads a file, a socket or a clock.
"""
