"""The built-in scene, rendered with exact masks."""
