//! The states of work items: data of a project, with names, categories and colors of their own.

use super::Category;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The longest name of a state, in characters.
pub const STATE_NAME_MAX: usize = 40;
/// The longest key of a state, in bytes.
const KEY_MAX: usize = 24;

/// What a state is known by: 1 to 24 of `a-z0-9_`. It never changes; names do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateKey(Cow<'static, str>);

macro_rules! built_in {
    ($($name:ident = $key:literal, $category:ident, $en:literal, $zh:literal;)+) => {
        impl StateKey {
            $(#[doc = $en] pub const $name: Self = Self(Cow::Borrowed($key));)+

            /// The states of the workflows that projects begin with.
            pub const BUILT_IN: &'static [Self] = &[$(Self::$name),+];
        }

        /// What a state is that projects begin with.
        fn built_in(key: &str) -> Option<(Category, Text)> {
            match key {
                $($key => Some((Category::$category, Text::new($en, $zh))),)+
                _ => None,
            }
        }
    };
}

built_in! {
    PENDING = "pending", Todo, "Pending", "待处理";
    IN_PROGRESS = "in_progress", InProgress, "In progress", "进行中";
    IN_TEST = "in_test", InTest, "In test", "测试中";
    RESOLVED = "resolved", InTest, "Resolved", "已解决";
    DONE = "done", Done, "Done", "已完成";
    CLOSED = "closed", Done, "Closed", "已关闭";
    WONT_FIX = "wont_fix", WontDo, "Won’t fix", "不修复";
    DUPLICATE = "duplicate", WontDo, "Duplicate", "重复";
    REOPENED = "reopened", Todo, "Reopened", "重新打开";
}

impl StateKey {
    /// A key as people or programs write it.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=KEY_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        fits.then(|| Self(Cow::Owned(text.to_owned())))
    }

    /// A key made of a name, that none of `taken` is: `in_review`, or `state_2` where the name has no such letters.
    #[must_use]
    pub fn made_of(name: &str, taken: &[&Self]) -> Self {
        let mut base = String::new();
        for letter in name.chars().flat_map(char::to_lowercase) {
            if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
                base.push(letter);
            } else if !base.is_empty() && !base.ends_with('_') {
                base.push('_');
            }
        }
        base.truncate(KEY_MAX - 3);
        let base = match base.trim_end_matches('_') {
            "" => "state",
            base => base,
        };
        let free = |key: &Self| !taken.contains(&key) && built_in(key.as_str()).is_none();
        let first = Self(Cow::Owned(base.to_owned()));
        if base != "state" && free(&first) {
            return first;
        }
        (2..1000)
            .map(|n| Self(Cow::Owned(format!("{base}_{n}"))))
            .find(free)
            .unwrap_or(first)
    }

    /// A key that is called as a category is.
    pub const fn of_category(category: Category) -> Self {
        Self(Cow::Borrowed(category.key()))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

keyed! {
    /// The color of a state: one of the looks of the interface.
    Color {
        Gray = "gray", "Gray", "灰";
        Blue = "blue", "Blue", "蓝";
        Violet = "violet", "Violet", "紫";
        Green = "green", "Green", "绿";
        Red = "red", "Red", "红";
        Amber = "amber", "Amber", "橙";
        Teal = "teal", "Teal", "青";
        Pale = "pale", "Pale", "浅灰";
    }
}

impl Category {
    /// The color of a state that got none of its own.
    pub const fn color(self) -> Color {
        match self {
            Self::Todo => Color::Gray,
            Self::InProgress => Color::Blue,
            Self::InTest => Color::Violet,
            Self::Done => Color::Green,
            Self::WontDo => Color::Pale,
        }
    }

    /// Whether work in it is over.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::WontDo)
    }
}

/// Where a work item can stand. Written as its key alone where it is as projects begin with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ItemState {
    key: StateKey,
    category: Category,
    color: Color,
    name: Text,
}

impl ItemState {
    /// A state of a project.
    pub fn new(key: StateKey, category: Category, color: Color, name: Text) -> Self {
        Self {
            key,
            category,
            color,
            name,
        }
    }

    /// The state as projects begin with it; another key reads as a state to do that is called as its key.
    pub fn known(key: StateKey) -> Self {
        let (category, name) =
            built_in(key.as_str()).unwrap_or_else(|| (Category::Todo, Text::verbatim(key.as_str())));
        Self {
            color: category.color(),
            category,
            name,
            key,
        }
    }

    /// What it is known by.
    pub const fn state_key(&self) -> &StateKey {
        &self.key
    }

    /// What it is known by, as text.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }

    /// What it counts as.
    pub const fn category(&self) -> Category {
        self.category
    }

    /// Its color.
    pub const fn color(&self) -> Color {
        self.color
    }

    /// What it is called.
    pub fn text(&self) -> Text {
        self.name.clone()
    }

    /// What it is called now, as history keeps it: in both languages where they differ, with a tab between them.
    pub fn said_in_history(&self) -> String {
        let known = Self::known(self.key.clone());
        if self.name.en == self.name.zh || self.name == known.name {
            return self.name.en.clone();
        }
        format!("{}\t{}", self.name.en, self.name.zh)
    }

    /// What a state was called, as [`said_in_history`](Self::said_in_history) wrote it.
    pub fn called_in_history(key: &str, said: &str) -> Text {
        match (said.split_once('\t'), built_in(key)) {
            (Some((en, zh)), _) => Text::new(en, zh),
            (None, Some((_, known))) if known.en == said || said.is_empty() => known,
            (None, _) if said.is_empty() => Text::verbatim(key),
            (None, _) => Text::verbatim(said),
        }
    }

    /// What is stored of it beside its key and category; empty where it is as projects begin with it.
    pub fn said(&self) -> String {
        if *self == Self::known(self.key.clone()) {
            return String::new();
        }
        format!("{}\t{}\t{}", self.color.key(), self.name.en, self.name.zh)
    }

    /// Reads what is stored of it.
    pub fn stored(key: StateKey, category: Category, said: &str) -> Self {
        let mut parts = said.splitn(3, '\t');
        let color = parts.next().and_then(Color::from_key);
        let name = parts.next().map(|en| Text::new(en, parts.next().unwrap_or(en)));
        let known = Self::known(key);
        Self {
            color: color.unwrap_or_else(|| category.color()),
            name: name.unwrap_or(known.name),
            category,
            key: known.key,
        }
    }
}

impl From<String> for ItemState {
    fn from(text: String) -> Self {
        match text.split_once('\t') {
            None => Self::known(StateKey(Cow::Owned(text))),
            Some((key, rest)) => {
                let (category, said) = rest.split_once('\t').unwrap_or((rest, ""));
                let key = StateKey(Cow::Owned(key.to_owned()));
                Self::stored(key, Category::from_key(category).unwrap_or(Category::Todo), said)
            }
        }
    }
}

impl From<ItemState> for String {
    fn from(state: ItemState) -> Self {
        match state.said() {
            said if said.is_empty() => state.key.to_string(),
            said => format!("{}\t{}\t{said}", state.key, state.category.key()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_state_survives_the_wire_and_the_database(
            key in "[a-z][a-z0-9_]{0,9}", built in proptest::option::of(proptest::sample::select(StateKey::BUILT_IN)),
            category in proptest::sample::select(Category::ALL), color in proptest::sample::select(Color::ALL),
            en in "[a-zA-Z ]{1,9}", zh in "[待处理]{1,4}",
        ) {
            let key = built.unwrap_or_else(|| StateKey::parse(&key).unwrap());
            let state = ItemState::new(key, category, color, Text::new(en, zh));
            prop_assert_eq!(&ItemState::from(String::from(state.clone())), &state);
            let stored = ItemState::stored(state.key.clone(), state.category, &state.said());
            prop_assert_eq!(&stored, &state);
            let known = ItemState::known(state.key);
            prop_assert_eq!(&ItemState::from(String::from(known.clone())), &known);
        }

        #[test]
        fn a_key_is_made_of_any_name(name in "\\PC{0,40}", others in proptest::collection::vec("[a-c ]{1,3}", 0..6)) {
            let mut taken: Vec<StateKey> = Vec::new();
            for other in others.iter().chain([&name]) {
                let key = StateKey::made_of(other, &taken.iter().collect::<Vec<_>>());
                prop_assert!(StateKey::parse(key.as_str()).is_some(), "{key}");
                prop_assert!(!taken.contains(&key) && !StateKey::BUILT_IN.contains(&key));
                taken.push(key);
            }
        }
    }
}
