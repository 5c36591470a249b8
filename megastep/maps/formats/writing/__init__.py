"""Writers of map sets, a file or a folder each."""
