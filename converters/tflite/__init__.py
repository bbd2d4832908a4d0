"""Reading and rewriting .tflite files, without TensorFlow."""
