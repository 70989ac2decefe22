"""Thin Prefect tasks around the pipeline."""
