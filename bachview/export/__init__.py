"""What leaves the program: tables, GeoJSON, pictures, summaries."""
