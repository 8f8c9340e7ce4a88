"""Is it right? Properties of a correct dropout, and faulty ones that violate them."""
