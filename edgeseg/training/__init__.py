"""Training in Keras 3 on any of its backends; nothing here imports TensorFlow."""
