"""Read back from a back end what the crash test published there."""
