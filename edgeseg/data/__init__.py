"""Labelled images: layouts on disk, the check before training, the rendered set."""
