"""What is put onto the FAT boot partition of a Raspberry Pi OS image, so that a board sets itself up at its first boot.

Without mounts, root or a network: the partition is written through a FAT library at its
offset in a file.
"""
