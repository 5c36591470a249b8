"""The standard suite: which maps it has, hand-made ones among them, and the episodes in them."""
