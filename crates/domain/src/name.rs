//! Names people give to things, parsed once.

use crate::text::Text;
use serde::{Deserialize, Serialize};

/// A slug: 2–40 characters of `a-z0-9-`, starting and ending with a letter or digit, and none of
/// [`RESERVED`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Words that are parts of URLs and so cannot be slugs.
pub const RESERVED: [&str; 5] = ["new", "settings", "edit", "api", "me"];

/// Words that no organization can take beside [`RESERVED`]: they stand for the whole server. Projects, apps and people
/// may be called so.
pub const RESERVED_FOR_SERVER: [&str; 2] = ["operator", "server"];

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Too short or too long.
    #[error("use 2 to 40 characters")]
    Length,
    /// A character that is not allowed.
    #[error("use only a-z, 0-9 and -, with a letter or digit at both ends")]
    Character,
    /// A word that URLs need.
    #[error("this word is reserved; choose another")]
    Reserved,
    /// Nothing was typed.
    #[error("a name is needed")]
    Empty,
    /// Too long for a name that people read.
    #[error("use at most 60 characters")]
    Long,
}

impl NameError {
    /// The words for a field's error.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Length => "请使用 2 到 40 个字符",
            Self::Character => "只能使用 a-z、0-9 和 -，首尾须为字母或数字",
            Self::Reserved => "该词已被保留，请换一个",
            Self::Empty => "请填写名称",
            Self::Long => "最多使用 60 个字符",
        };
        Text::new(self.to_string(), zh)
    }
}

impl Slug {
    /// Parses a slug.
    ///
    /// # Errors
    /// Says which rule of [`Slug`] does not hold.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if !(2..=40).contains(&text.len()) {
            return Err(NameError::Length);
        }
        let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let bytes = text.as_bytes();
        if !bytes.iter().all(|&c| good(c) || c == b'-') || !good(bytes[0]) || !good(bytes[bytes.len() - 1]) {
            return Err(NameError::Character);
        }
        if RESERVED.contains(&text) {
            return Err(NameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// Parses the slug of an organization.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); also for one of [`RESERVED_FOR_SERVER`].
    pub fn of_org(text: &str) -> Result<Self, NameError> {
        if RESERVED_FOR_SERVER.contains(&text) {
            return Err(NameError::Reserved);
        }
        Self::parse(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_slug_that_parses_is_safe_in_a_url(text in ".{0,50}") {
            if let Ok(slug) = Slug::parse(&text) {
                prop_assert!(slug.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
                prop_assert!((2..=40).contains(&slug.as_str().len()));
                prop_assert!(!RESERVED.contains(&slug.as_str()));
            }
        }

        #[test]
        fn every_plain_word_is_a_slug(text in "[a-z][a-z0-9]{2,20}x") {
            prop_assert!(Slug::parse(&text).is_ok());
        }
    }

    #[test]
    fn reserved_words_and_edges_are_refused() {
        assert_eq!(Slug::parse("new"), Err(NameError::Reserved));
        assert_eq!(Slug::parse("a"), Err(NameError::Length));
        assert_eq!(Slug::of_org("operator"), Err(NameError::Reserved));
        assert!(Slug::parse("operator").is_ok(), "an app may be called so");
        assert_eq!(Slug::of_org("new"), Err(NameError::Reserved));
        assert!(Slug::of_org("operators").is_ok());
        assert_eq!(Slug::parse("-ab"), Err(NameError::Character));
        assert_eq!(Slug::parse("Ab"), Err(NameError::Character));
    }
}
