"""Standard maps to test agents in: hand-made hold-outs among them."""
