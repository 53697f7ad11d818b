"""Files written for other programs: tables, GeoJSON, pictures, summaries."""
