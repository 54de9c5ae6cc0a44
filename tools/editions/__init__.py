"""The editions of the tutorial, and the TensorFlows that run them."""
