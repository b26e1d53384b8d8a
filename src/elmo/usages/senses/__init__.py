"""Induced senses of a word: clusters of its uses, described, compared, and edited by hand."""
