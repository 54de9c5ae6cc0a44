"""A page that shows what a training run did, and what its network learned."""
