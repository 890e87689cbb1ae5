"""The ways to load, one file each; `registry` lists them."""
