"""What the window works with: slides, ensemble, settings. Few widgets of its own."""
