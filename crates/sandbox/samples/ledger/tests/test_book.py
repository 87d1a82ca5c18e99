import unittest

from ledger.book import Book


class BookTest(unittest.TestCase):
    def test_balances_sum_to_zero(self):
        book = Book()
        book.post("cash", "sales", 1200)
        book.post("rent", "cash", 700)
        self.assertEqual(book.balances(), {"cash": 500, "sales": -1200, "rent": 700})
        self.assertEqual(sum(book.balances().values()), 0)

    def test_an_entry_needs_two_different_accounts(self):
        with self.assertRaisesRegex(ValueError, "different"):
            Book().post("cash", "cash", 1)

    def test_the_amount_is_positive(self):
        with self.assertRaisesRegex(ValueError, "positive"):
            Book().post("cash", "sales", 0)


if __name__ == "__main__":
    unittest.main()
