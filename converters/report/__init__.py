"""What a conversion came to, for people and for programs."""
