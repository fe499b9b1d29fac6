"""The Locust suite: what clients do to the rows, and how long each took to answer."""
