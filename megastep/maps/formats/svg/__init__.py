"""SVG pictures: what they show, and what is meant by it."""
