"""Measuring: what a model takes, what the loop adds, and what that would be on a board."""
