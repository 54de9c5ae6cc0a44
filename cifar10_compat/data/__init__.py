"""Image sets: their descriptions, downloads, and checks of their files."""
