"""What a board runs, edgeseg and the libraries it needs, resolved on a host and packed into one archive."""
