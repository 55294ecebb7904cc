"""Collective communication that says what it knows."""

from motet._core import version

__version__ = version()
