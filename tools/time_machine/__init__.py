"""Which edition of the tutorial runs on which TensorFlow, and what broke when."""
