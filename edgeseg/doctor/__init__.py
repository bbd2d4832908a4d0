"""What is wrong with this machine, a line each, and the command that mends it."""
