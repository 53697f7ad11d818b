"""An ensemble on disk: manifest, containers, golden patches."""
