"""Results as plain data first, then as text or JSON; each returns a string."""
