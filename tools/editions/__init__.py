"""The editions of the tutorial, and the TensorFlow versions that run them."""
