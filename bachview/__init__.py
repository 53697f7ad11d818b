"""bachview: a slide viewer that shows what an ensemble of six classifiers says of breast tissue."""

__version__ = "0.1.0"
