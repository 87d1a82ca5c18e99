//! Operators: people who stand for the whole server. None of it is a right in any organization.

use crate::person::PersonRef;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The id of the whole server, in what is told about it.
pub const SERVER: &str = "server";

/// How many accounts a search shows.
pub const SHOWN: usize = 50;

/// An account as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose.
    pub person: PersonRef,
    /// Since when they are an operator; `None`: they are none.
    pub operator_since: Option<Timestamp>,
    /// When the account was switched off.
    pub deactivated_at: Option<Timestamp>,
}

impl Account {
    /// Whether they are an operator who can sign in.
    pub const fn operates(&self) -> bool {
        self.operator_since.is_some() && self.deactivated_at.is_none()
    }
}

/// What the page of operators and accounts shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPage {
    /// Who reads it.
    pub reader: PersonRef,
    /// The operators, by name; those whose accounts are off among them.
    pub operators: Vec<Account>,
    /// The accounts that were searched for, by name; at most [`SHOWN`].
    pub found: Vec<Account>,
    /// Whether there are more of them.
    pub more: bool,
}

impl AccountPage {
    /// Whether `account` is the only operator that is left: neither its flag nor the account can go then.
    pub fn is_last(&self, account: &Account) -> bool {
        account.operates() && self.operators.iter().filter(|one| one.operates()).count() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{TypedId, UserId};

    fn account(n: u128, operator: bool, off: bool) -> Account {
        Account {
            person: PersonRef {
                id: UserId::from_uuid(uuid::Uuid::from_u128(n)),
                username: format!("p{n}"),
                name: format!("P {n}"),
            },
            operator_since: operator.then_some(Timestamp(1)),
            deactivated_at: off.then_some(Timestamp(2)),
        }
    }

    #[test]
    fn the_last_operator_is_the_only_one_who_can_still_sign_in() {
        let (one, off, plain) = (
            account(1, true, false),
            account(2, true, true),
            account(3, false, false),
        );
        let mut page = AccountPage {
            reader: one.person.clone(),
            operators: vec![one.clone(), off.clone()],
            found: Vec::new(),
            more: false,
        };
        assert!(page.is_last(&one) && !page.is_last(&off) && !page.is_last(&plain));
        page.operators.push(account(4, true, false));
        assert!(!page.is_last(&one));
    }
}
