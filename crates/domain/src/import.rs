//! Imports of GitLab groups: which repositories become apps, and how far that is.

use crate::app::AppRef;
use crate::id::{ConnectionId, ImportId};
use crate::name::{RESERVED, Slug};
use crate::person::PersonRef;
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most repositories of one import.
pub const MOST: usize = 1000;

/// How many repositories stand on a page.
pub const PER_PAGE: usize = 100;

/// The longest slug, in characters.
const SLUG_MOST: usize = 40;

macro_rules! states {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $key:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stored key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// Reads the stored key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.key() == key)
            }
        }
    };
}

states! {
    /// Where an import stands.
    ImportState {
        /// Repositories are being chosen; nothing happens yet.
        Draft = "draft",
        /// Its repositories become apps, one after the other.
        Running = "running",
        /// Somebody stopped it, or it cannot go on; what waits still waits.
        Stopped = "stopped",
        /// No repository waits any more.
        Done = "done",
    }
}

states! {
    /// Where a repository of an import stands.
    ItemState {
        /// Its turn has not come, or it is tried again.
        Waiting = "waiting",
        /// It has its app.
        Done = "done",
        /// It has none; why stands beside it.
        Failed = "failed",
        /// It needs none: an app was connected to it already.
        Skipped = "skipped",
    }
}

/// How many repositories of an import stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    /// Their turn has not come.
    pub waiting: i64,
    /// They have their apps.
    pub done: i64,
    /// They have none.
    pub failed: i64,
    /// They need none.
    pub skipped: i64,
}

impl ImportCounts {
    /// All of them.
    pub const fn total(&self) -> i64 {
        self.waiting + self.done + self.failed + self.skipped
    }

    /// Those that do not wait.
    pub const fn ended(&self) -> i64 {
        self.done + self.failed + self.skipped
    }

    /// Counts `n` more that stand at `state`.
    pub const fn add(&mut self, state: ItemState, n: i64) {
        match state {
            ItemState::Waiting => self.waiting += n,
            ItemState::Done => self.done += n,
            ItemState::Failed => self.failed += n,
            ItemState::Skipped => self.skipped += n,
        }
    }
}

/// A connection by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionName {
    /// Which.
    pub id: ConnectionId,
    /// For people.
    pub name: String,
}

/// A group of GitLab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChoice {
    /// GitLab's numeric id.
    pub id: i64,
    /// The path, as in `acme/shop`.
    pub path: String,
    /// For people.
    pub name: String,
}

/// A repository of a group, and whether it can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportChoice {
    /// GitLab's numeric project id.
    pub repository: i64,
    /// The path, as in `acme/shop/order-api`.
    pub path: String,
    /// What GitLab calls it.
    pub name: String,
    /// When something last happened in it.
    pub last_activity: Option<Timestamp>,
    /// Whether it is archived: then nothing runs in it.
    pub archived: bool,
    /// The name of the app that is connected to it; then it cannot be chosen.
    pub used_by: Option<String>,
    /// Whether it is among the chosen ones.
    pub chosen: bool,
}

/// One page of a list of GitLab's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOf<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Its number, from 1.
    pub page: u32,
    /// Whether there are more behind it.
    pub more: bool,
}

/// A draft of the reader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRef {
    /// Which.
    pub id: ImportId,
    /// How many repositories are chosen.
    pub chosen: i64,
}

/// What one chooses repositories by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportChooser {
    /// The project that the apps will be in.
    pub place: Place,
    /// The connections of the organization, by name; empty: an admin has to add one.
    pub connections: Vec<ConnectionName>,
    /// The one that is looked through.
    pub connection: Option<ConnectionId>,
    /// The groups that its token sees, while none is chosen.
    pub groups: Option<PageOf<GroupChoice>>,
    /// The chosen group.
    pub group: Option<GroupChoice>,
    /// The repositories of the chosen group.
    pub repositories: Option<PageOf<ImportChoice>>,
    /// What the reader has chosen of that group so far.
    pub draft: Option<DraftRef>,
    /// Why GitLab shows nothing.
    pub trouble: Option<Text>,
    /// The last imports into the project, newest first, without drafts.
    pub imports: Vec<ImportRow>,
}

/// An import in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    /// Which.
    pub id: ImportId,
    /// The path of the group.
    pub group: String,
    /// Where it stands.
    pub state: ImportState,
    /// How far it is.
    pub counts: ImportCounts,
    /// In whose name it runs.
    pub by: PersonRef,
    /// When it was begun.
    pub created_at: Timestamp,
}

/// A repository of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportItem {
    /// GitLab's numeric project id.
    pub repository: i64,
    /// The path, as in `acme/shop/order-api`.
    pub path: String,
    /// Whether it is archived.
    pub archived: bool,
    /// The slug that its app gets or got; in a draft as it was typed.
    pub slug: String,
    /// The name that its app gets or got; in a draft as it was typed.
    pub name: String,
    /// Where it stands.
    pub state: ItemState,
    /// Its app, while that is there.
    pub app: Option<AppRef>,
    /// Why it failed or was skipped, or what there is to know of its app.
    pub reason: Option<Text>,
    /// What is wrong with the slug, in a draft.
    pub wrong_slug: Option<Text>,
    /// What is wrong with the name, in a draft.
    pub wrong_name: Option<Text>,
}

/// What the page of an import shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportView {
    /// The project that the apps are in.
    pub place: Place,
    /// The import.
    pub row: ImportRow,
    /// Through which connection.
    pub connection: ConnectionId,
    /// The connection's name; `None`: it is gone.
    pub connection_name: Option<String>,
    /// GitLab's numeric id of the group.
    pub group: i64,
    /// Why it stopped.
    pub reason: Option<Text>,
    /// What it waits for.
    pub trouble: Option<Text>,
    /// When it goes on.
    pub retry_at: Option<Timestamp>,
    /// When no repository waited any more, or it was stopped.
    pub ended_at: Option<Timestamp>,
    /// One page of its repositories, by path; those of a draft that need a change stand first.
    pub items: PageOf<ImportItem>,
    /// How many repositories of a draft need a change before it can start.
    pub wrong: i64,
    /// When the page was put together.
    pub as_of: Timestamp,
}

/// The slug that suits a repository: of the last part of its path, in lower case, with `-` for what a slug has not.
pub fn proposed_slug(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    let mut slug = String::new();
    for c in last.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(SLUG_MOST);
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => String::from("app"),
        short if short.len() < 2 || RESERVED.contains(&short) => format!("{short}-app"),
        good => good.to_owned(),
    }
}

/// `slug`, or where that is taken the first of `slug-2`, `slug-3`, … that is not; never longer than a slug may be.
pub fn free_slug(slug: &str, taken: &BTreeSet<String>) -> String {
    if !taken.contains(slug) {
        return slug.to_owned();
    }
    let mut number = 2_u64;
    loop {
        let end = format!("-{number}");
        let stem: String = slug.chars().take(SLUG_MOST - end.len()).collect();
        let candidate = format!("{}{end}", stem.trim_end_matches('-'));
        if Slug::parse(&candidate).is_ok() && !taken.contains(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_proposed_is_a_slug(path in ".{0,80}") {
            let slug = proposed_slug(&path);
            prop_assert!(Slug::parse(&slug).is_ok(), "{path} → {slug}");
        }

        #[test]
        fn what_is_free_is_a_slug_that_nobody_has(slug in "[a-z][a-z0-9-]{0,38}[a-z0-9]", n in 0_usize..15) {
            let mut taken = BTreeSet::new();
            for _ in 0..=n {
                let free = free_slug(&slug, &taken);
                prop_assert!(Slug::parse(&free).is_ok(), "{free}");
                prop_assert!(taken.insert(free));
            }
        }
    }

    #[test]
    fn a_slug_is_made_of_the_last_part_of_the_path() {
        for (path, slug) in [
            ("acme/shop/order-api", "order-api"),
            ("acme/Order_API.v2", "order-api-v2"),
            ("acme/__init__", "init"),
            ("acme/x", "x-app"),
            ("acme/new", "new-app"),
            ("组/订单", "app"),
            ("", "app"),
        ] {
            assert_eq!(proposed_slug(path), slug, "{path}");
        }
        let long = proposed_slug(&format!("acme/{}-{}", "a".repeat(39), "b".repeat(20)));
        assert_eq!(long, "a".repeat(39));
    }

    #[test]
    fn a_taken_slug_gets_a_number() {
        let taken: BTreeSet<String> = ["api", "api-2"].into_iter().map(str::to_owned).collect();
        assert_eq!(free_slug("api", &taken), "api-3");
        assert_eq!(free_slug("web", &taken), "web");
        let long = "a".repeat(40);
        let free = free_slug(&long, &BTreeSet::from([long.clone()]));
        assert_eq!(free, format!("{}-2", "a".repeat(38)));
    }

    #[test]
    fn the_keys_are_read_back() {
        for state in ImportState::ALL {
            assert_eq!(ImportState::from_key(state.key()), Some(*state));
        }
        for state in ItemState::ALL {
            assert_eq!(ItemState::from_key(state.key()), Some(*state));
        }
        let mut counts = ImportCounts::default();
        for state in ItemState::ALL {
            counts.add(*state, 2);
        }
        assert_eq!((counts.total(), counts.ended()), (8, 6));
    }
}
