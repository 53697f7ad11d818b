"""What the window works with: slides, ensemble, settings. Hardly any widgets."""
