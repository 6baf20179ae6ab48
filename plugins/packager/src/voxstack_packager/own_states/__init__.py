"""Networks whose modules take and return states of their own: their declaration, exports and measurements."""
