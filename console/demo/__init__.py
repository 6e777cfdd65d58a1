"""A believable operation for the demo, made by the same services that people use."""
