"""The `.edgeseg` archive: what a board receives, and with what it proves itself."""
