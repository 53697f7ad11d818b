"""The installer for Windows: what it contains, how it is compiled, and how it is tried."""
