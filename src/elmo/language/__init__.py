"""What a biLM answers as a language model: scores, minimal pairs, substitutes, neighbours, text."""
