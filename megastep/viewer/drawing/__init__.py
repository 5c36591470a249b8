"""Drawing floorplans by hand: what is drawn, what is wrong with it and where, and walking in it on the spot."""
