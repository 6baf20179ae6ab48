"""Lexicons of users: pronunciations that a request, an application or a voice adds to a reader's own."""
