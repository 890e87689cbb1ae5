"""Hold secrets encrypted; the one module that decrypts."""
