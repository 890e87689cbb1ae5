"""Where files lie: stores behind one small protocol, patterns that tell files, folders they move through."""
