"""A page in the browser: type a text, and a head takes on the expression that a run gives to it."""
