"""From a plan to a certified map: free space surveyed, lights and spawns placed, promises checked."""
