//! People.

use crate::id::UserId;
use crate::name::NameError;
use crate::text::{Locale, Text};
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
    /// Up to two letters for an avatar, as they stand in the name: the initials, or the first character of a Chinese
    /// name.
    pub fn initials(&self) -> String {
        let (mut first, mut second, mut begins) = (None, None, true);
        for letter in self.name.chars() {
            let between = matches!(letter, ' ' | '-' | '.' | '_');
            if begins && !between {
                if first.is_none() {
                    first = Some(letter);
                } else if second.is_none() {
                    second = Some(letter);
                }
            }
            begins = between;
        }
        let second = second.filter(|second| second.is_ascii() && first.is_some_and(|first| first.is_ascii()));
        let letters: String = first.into_iter().chain(second).collect();
        if letters.is_empty() {
            String::from("?")
        } else {
            letters
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

/// The longest display name, in characters.
pub const NAME_MAX: usize = 60;

/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3, without its angle brackets).
pub const EMAIL_MAX: usize = 254;

/// A display name, without spaces around it and characters that are not shown.
///
/// # Errors
/// It is empty or too long.
pub fn name(text: &str) -> Result<String, NameError> {
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    let name = shown.trim();
    match name.chars().count() {
        0 => Err(NameError::Empty),
        n if n > NAME_MAX => Err(NameError::Long),
        _ => Ok(name.to_owned()),
    }
}

/// An e-mail address, without spaces around it; `None` where nothing was typed.
///
/// # Errors
/// It is none that mail could be sent to.
pub fn email(text: &str) -> Result<Option<String>, Text> {
    let email = text.trim();
    if email.is_empty() {
        return Ok(None);
    }
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\".contains(c))
    };
    let good = email.rsplit_once('@').is_some_and(|(who, host)| {
        plain(who) && !who.contains('@') && plain(host) && !host.starts_with('.') && !host.ends_with('.')
    });
    if good && email.len() <= EMAIL_MAX {
        Ok(Some(email.to_owned()))
    } else {
        Err(Text::new(
            "write an address such as dora@example.com",
            "请填写邮箱地址，例如 dora@example.com",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_has_somebody_and_a_place() {
        assert_eq!(
            email(" dora@example.com "),
            Ok(Some(String::from("dora@example.com")))
        );
        assert_eq!(email("  "), Ok(None));
        for wrong in [
            "dora",
            "@example.com",
            "dora@",
            "a@b@c",
            "a b@c.d",
            "a@b\r\nbcc: x@y.z",
            "<a@b.c>",
            "a@.b",
        ] {
            assert!(email(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_address_that_is_taken_could_begin_another_header(text in "\\PC{0,40}|[ -~\r\n]{0,40}") {
            if let Ok(Some(address)) = email(&text) {
                prop_assert!(!address.contains(['\r', '\n', ' ', ',']));
            }
        }

        #[test]
        fn a_name_that_is_taken_is_shown_as_it_is(text in "\\PC{0,80}|.{0,80}") {
            if let Ok(name) = name(&text) {
                prop_assert!(!name.is_empty() && name.chars().count() <= NAME_MAX);
                prop_assert_eq!(name.trim(), &name);
                prop_assert!(!name.chars().any(char::is_control));
            }
        }
    }
}
