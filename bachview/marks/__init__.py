"""What a reader puts on a slide: annotations, corrections of cells, and bookmarks."""
