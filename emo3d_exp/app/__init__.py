"""What the scripts do; the only place that joins configs, data, models and evaluation."""
