"""From a Keras model to the files that devices run.

`convert` is what callers use; it runs the rest in a process of its own, because TensorFlow's
converter can abort, and so that nobody else loads TensorFlow.
"""
