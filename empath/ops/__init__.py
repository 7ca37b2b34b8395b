"""Observers: those who watch the facts and never hold up the work.

Today there is the log. An observer is a function that takes a fact; it must be quick, must not wait and must not fail.
"""
