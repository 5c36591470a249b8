"""Layout steps that families share: footprints, partitions, rooms, doors and solids."""
