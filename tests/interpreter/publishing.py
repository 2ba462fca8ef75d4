"""Documents become plans as they do at publish."""
