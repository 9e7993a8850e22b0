"""Records and values as pure pydantic models; they know no store and no HTTP."""
