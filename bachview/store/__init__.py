"""The results of a slide on disk: schema, records and provenance."""
