//! Identities elsewhere: who somebody is to a provider of sign-in.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An identity that one signs in with, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityView {
    /// Who says so: a URL.
    pub issuer: String,
    /// Who, to them; it never changes.
    pub subject: String,
    /// The provider's name.
    pub provider: String,
    /// What the provider called the person last.
    pub label: String,
    /// When it was linked.
    pub linked_at: Timestamp,
    /// When it was last signed in with.
    pub used_at: Option<Timestamp>,
    /// Whether it is the last way in, and so cannot be unlinked.
    pub last: bool,
}

/// A sign-in name made of what a provider calls somebody: 2–32 characters of `a-z0-9-`, a letter or digit at both ends.
pub fn username(text: &str) -> String {
    // The part of an address that names somebody.
    let text = text.split('@').next().unwrap_or_default();
    let mut name = String::new();
    for c in text.chars().take(64) {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(32);
    let name = name.trim_end_matches('-');
    if name.len() < 2 || crate::name::RESERVED.contains(&name) {
        return String::from("user");
    }
    name.to_owned()
}

/// Whether somebody is in a group of claims and how they came there, against what the provider says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are not in it.
    Out,
    /// A claim put them in.
    ByClaim,
    /// Somebody put them in; claims leave that alone.
    ByHand,
}

/// What a claim changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// They come in.
    Join,
    /// They go.
    Leave,
}

/// What becomes of somebody in a group, when the provider does or does not list it.
pub const fn moved(standing: Standing, listed: bool) -> Option<Move> {
    match (standing, listed) {
        (Standing::Out, true) => Some(Move::Join),
        (Standing::ByClaim, false) => Some(Move::Leave),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Slug;
    use proptest::prelude::*;

    #[test]
    fn a_claim_puts_in_and_takes_out_and_leaves_alone_what_people_did() {
        assert_eq!(moved(Standing::Out, true), Some(Move::Join));
        assert_eq!(moved(Standing::ByClaim, false), Some(Move::Leave));
        for (standing, listed) in [
            (Standing::Out, false),
            (Standing::ByClaim, true),
            (Standing::ByHand, true),
            (Standing::ByHand, false),
        ] {
            assert_eq!(moved(standing, listed), None);
        }
    }

    #[test]
    fn names_become_sign_in_names() {
        assert_eq!(username("Dora.Diaz@example.com"), "dora-diaz");
        assert_eq!(username("../../etc"), "etc");
        assert_eq!(username("张三"), "user");
        assert_eq!(username("new"), "user");
    }

    proptest! {
        #[test]
        fn whatever_a_provider_says_the_name_is_a_slug(text in ".{0,80}") {
            prop_assert!(Slug::parse(&username(&text)).is_ok(), "{}", username(&text));
        }
    }
}
