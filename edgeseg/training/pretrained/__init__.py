"""Weights that others trained, brought into our networks without their frameworks."""
