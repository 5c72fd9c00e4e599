"""The version of this distribution, read by its build and by its users."""

__version__ = "0.1.0"
