"""Networks and blocks of VITS graphs."""
