"""What policies and runs are worth: read-outs, values, statistics."""
