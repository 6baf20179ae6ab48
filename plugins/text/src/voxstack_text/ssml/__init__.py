"""SSML documents: the parser, the values of attributes, and the passages of a document."""
