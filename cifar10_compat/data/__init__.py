"""Image sets: descriptions, downloads, and checks of their files."""
