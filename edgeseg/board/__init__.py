"""Runs on a board: releases side by side, one of them running, and a way back."""
