"""Double-entry bookkeeping over HTTP."""
