"""Reports as plain data, and one module for each output format."""
