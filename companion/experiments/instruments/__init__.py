"""What measures: time, slow-down, robustness, confidence, hidden units."""
