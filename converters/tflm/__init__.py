"""Microcontrollers: what TensorFlow Lite Micro makes of a model, and the model as C++ source."""
