"""The Edge TPU: what its compiler will do, and compiling with it."""
