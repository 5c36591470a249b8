"""Options of every family: furniture, columns, cut and rounded corners, rotation."""
