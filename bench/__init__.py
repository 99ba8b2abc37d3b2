"""Measured claims, one runnable script each."""
