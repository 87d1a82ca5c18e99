"""A book of entries; amounts are whole cents."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One booking from the credited to the debited account."""

    debit: str
    credit: str
    amount: int


class Book:
    """Entries in the order they were booked."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def post(self, debit: str, credit: str, amount: int) -> Entry:
        """Books an entry; raises ValueError that says what is wrong."""
        if not debit or not credit:
            raise ValueError("an entry needs two accounts")
        if debit == credit:
            raise ValueError("an entry needs two different accounts")
        if not isinstance(amount, int) or amount <= 0:
            raise ValueError("the amount must be a positive number of cents")
        entry = Entry(debit, credit, amount)
        self.entries.append(entry)
        return entry

    def balances(self) -> dict[str, int]:
        """Every account's balance; their sum is zero."""
        totals: dict[str, int] = defaultdict(int)
        for entry in self.entries:
            totals[entry.debit] += entry.amount
            totals[entry.credit] -= entry.amount
        return dict(totals)
