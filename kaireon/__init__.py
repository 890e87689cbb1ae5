"""The composition root: settings, URLs, wiring and the tick; the only package that knows every subsystem."""
