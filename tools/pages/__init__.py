"""The pages that the tools write: one look, and a template for each kind."""
