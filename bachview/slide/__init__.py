"""Reading slides: adapters, metadata, display tiles, tissue, patches."""
