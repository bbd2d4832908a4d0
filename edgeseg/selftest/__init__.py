"""A machine proves with a bundle's golden frames that it gives the same masks."""
