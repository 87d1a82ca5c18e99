//! People.

use crate::id::UserId;
use crate::text::Locale;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Someone, as others see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRef {
    /// Who.
    pub id: UserId,
    /// The sign-in name, unique in the installation.
    pub username: String,
    /// The display name.
    pub name: String,
}

impl PersonRef {
    /// Up to two letters for an avatar: the initials, or the first character of a Chinese name.
    pub fn initials(&self) -> String {
        let mut words = self
            .name
            .split([' ', '-', '.', '_'])
            .filter_map(|w| w.chars().next());
        match (words.next(), words.next()) {
            (Some(a), Some(b)) if a.is_ascii() && b.is_ascii() => format!("{a}{b}").to_uppercase(),
            (Some(a), _) => a.to_uppercase().collect(),
            _ => String::from("?"),
        }
    }
}

/// A person's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// The sign-in name.
    pub username: String,
    /// The display name.
    pub name: String,
    /// Where mail goes, if known.
    pub email: Option<String>,
    /// The language they chose.
    pub locale: Option<Locale>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the account was switched off.
    pub deactivated_at: Option<Timestamp>,
}

impl Person {
    /// As others see them.
    pub fn as_ref(&self) -> PersonRef {
        PersonRef {
            id: self.id,
            username: self.username.clone(),
            name: self.name.clone(),
        }
    }
}
