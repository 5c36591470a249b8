"""The standard suite: its maps, hand-made hold-outs among them, and the episodes in them."""
