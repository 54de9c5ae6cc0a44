"""Image sets: what they are, where they come from, checks of their files."""
