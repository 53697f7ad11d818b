"""What tests share: slides, bundles, fake ensembles, windows and the like. No tests in here."""
