"""Putting a bundle onto boards through SSH; what runs on them is in `edgeseg.board`."""
