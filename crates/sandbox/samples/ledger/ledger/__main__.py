"""Serves the ledger on $PORT."""

import os

from ledger.web import serve

if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8080"))
    print(f"ledger listens on {port}")
    serve(port).serve_forever()
