"""The ground every subsystem stands on; it knows none of them."""
