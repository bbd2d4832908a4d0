"""The loop: a frame in, a mask out, to every sink."""
