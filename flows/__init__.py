"""Prefect flows and what serves them."""
