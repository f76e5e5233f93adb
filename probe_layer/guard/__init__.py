"""The guard: brings what was dropped from a package when somebody asks for it after all."""
