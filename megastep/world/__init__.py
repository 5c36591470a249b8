"""The world: maps packed on a device, the agents in them, how they move and what they see."""
