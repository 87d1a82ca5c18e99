import json
import threading
import unittest
import urllib.error
import urllib.request

from ledger.web import serve


class WebTest(unittest.TestCase):
    def setUp(self):
        self.server = serve(0)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def test_an_entry_changes_the_balances(self):
        body = json.dumps({"debit": "cash", "credit": "sales", "amount": 5}).encode()
        with urllib.request.urlopen(f"{self.base}/entries", data=body) as answer:
            self.assertEqual(answer.status, 201)
        with urllib.request.urlopen(f"{self.base}/balances") as answer:
            self.assertEqual(json.load(answer), {"cash": 5, "sales": -5})

    def test_a_broken_entry_is_refused(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{self.base}/entries", data=b"{}")
        self.assertEqual(caught.exception.code, 422)
        caught.exception.close()


if __name__ == "__main__":
    unittest.main()
