"""TensorFlows of the time, in environments and processes of their own."""
