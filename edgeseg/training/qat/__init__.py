"""Quantization-aware training: a trained network that learns to live with eight bits.

`fold` absorbs batch norm as the converter will, `prepare` puts the rounding of int8 where
the converter will, `calibrate` sets its ranges; then it is trained like any other network.
"""
