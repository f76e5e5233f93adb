"""The fault suite: every AWS call of every command goes wrong in every way; see tests/README.md."""
