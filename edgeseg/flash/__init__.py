"""Writing a disk image to a card so that it is whole, proven, or plainly not bootable.

`disks` knows what may be written to, `image` what is written, `write` does it.
"""
