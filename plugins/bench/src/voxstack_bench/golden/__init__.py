"""Golden vectors: reading them, and comparing an addon with them."""
