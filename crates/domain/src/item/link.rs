//! How two work items belong together.

use super::{ItemKind, ItemState};
use crate::text::Text;
use serde::{Deserialize, Serialize};

keyed! {
    /// What an item is to another one.
    Relation {
        Blocks = "blocks", "Blocks", "阻塞";
        BlockedBy = "blocked_by", "Blocked by", "被阻塞于";
        Duplicates = "duplicates", "Duplicates", "重复于";
        DuplicatedBy = "duplicated_by", "Duplicated by", "被重复于";
        Relates = "relates", "Relates to", "关联";
    }
}

impl Relation {
    /// What the other item is to this one.
    #[must_use]
    pub const fn inverse(self) -> Self {
        match self {
            Self::Blocks => Self::BlockedBy,
            Self::BlockedBy => Self::Blocks,
            Self::Duplicates => Self::DuplicatedBy,
            Self::DuplicatedBy => Self::Duplicates,
            Self::Relates => Self::Relates,
        }
    }

    /// The link from `one` to `other` as it is stored: one row a link, whichever end it was made at.
    pub fn stored<T: PartialOrd>(self, one: T, other: T) -> (Self, T, T) {
        match self {
            Self::BlockedBy | Self::DuplicatedBy => (self.inverse(), other, one),
            Self::Relates if other < one => (self, other, one),
            Self::Blocks | Self::Duplicates | Self::Relates => (self, one, other),
        }
    }
}

/// Another item, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemLine {
    /// As in `CHK-12`.
    pub key: String,
    /// What kind of work.
    pub kind: ItemKind,
    /// In one line.
    pub title: String,
    /// Where it stands.
    pub state: ItemState,
    /// Whether it was deleted: it has no page any more.
    #[serde(default)]
    pub deleted: bool,
}

/// An item that belongs to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedItem {
    /// What the item that is looked at is to this one.
    pub relation: Relation,
    /// This one.
    pub item: ItemLine,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_one_row_from_whichever_end_it_is_made() {
        for relation in Relation::ALL {
            assert_eq!(relation.inverse().inverse(), *relation);
            assert_eq!(
                relation.stored(1, 2),
                relation.inverse().stored(2, 1),
                "{relation:?}"
            );
            assert_eq!(
                relation.stored(2, 1),
                relation.inverse().stored(1, 2),
                "{relation:?}"
            );
        }
    }
}
