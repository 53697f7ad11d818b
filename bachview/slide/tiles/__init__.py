"""Tiles of a slide for the screen: their cache and the server that reads them."""
