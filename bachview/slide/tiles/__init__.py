"""Display tiles of a slide: their cache, and the server that reads them."""
