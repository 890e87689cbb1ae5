"""The providers of language models: one file a wire format; `registry.PROVIDERS` lists them by AI_PROVIDER."""
