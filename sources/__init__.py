"""One module a provider; `registry` finds them, `core` is what they share. Importing this alone loads none of them."""
