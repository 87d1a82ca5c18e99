//! What people write into a work item, how two versions of it differ, and how edits of one item come together.
//!
//! Every difference is a row of the item's history, so that what an item held at any time can be told from it:
//! [`Content::replay`] and [`Content::rewind`] go both ways.

use super::{ItemKind, Priority, Severity};
use crate::id::{AppId, EnvironmentId, ItemId, IterationId, ReleaseId, TypedId, UserId};
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// Something by its id, with what it is called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named<I> {
    /// Which.
    pub id: I,
    /// What it is called.
    pub name: String,
}

impl<I: PartialEq> PartialEq for Named<I> {
    /// The same thing under another name is the same.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<I: Eq> Eq for Named<I> {}

/// Labels: sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(Vec<String>);

/// The most labels of one item.
pub const LABELS_MOST: usize = 20;
/// The longest label, in characters.
pub const LABEL_MAX: usize = 40;

impl Labels {
    /// Labels as people type them, with commas between them.
    ///
    /// # Errors
    /// What is wrong: too many, too long, or with a `|`, which stands between labels where they are stored.
    pub fn parse(typed: &str) -> Result<Self, Text> {
        let mut labels: Vec<String> = typed
            .split([',', '，', '、'])
            .map(|label| label.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|label| !label.is_empty())
            .collect();
        labels.sort();
        labels.dedup();
        if labels.len() > LABELS_MOST {
            return Err(Text::new("use at most 20 labels", "最多 20 个标签"));
        }
        if labels.iter().any(|label| label.chars().count() > LABEL_MAX) {
            return Err(Text::new(
                "use at most 40 characters for a label",
                "每个标签最多 40 个字符",
            ));
        }
        if labels.iter().any(|label| label.contains('|')) {
            return Err(Text::new("a label has no “|”", "标签不能包含“|”"));
        }
        Ok(Self(labels))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// As people type them.
    pub fn typed(&self) -> String {
        self.0.join(", ")
    }

    /// As they are stored: `|a|b|`, so that `|a|` finds one; nothing where there are none.
    pub fn stored(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        format!("|{}|", self.0.join("|"))
    }

    /// Reads what is stored.
    pub fn from_stored(text: &str) -> Self {
        let labels = text.split('|').filter(|label| !label.is_empty());
        Self(labels.map(str::to_owned).collect())
    }
}

keyed! {
    /// What can be changed of an item, apart from its state.
    Field {
        Title = "title", "Title", "标题";
        Description = "description", "Description", "描述";
        Priority = "priority", "Priority", "优先级";
        Severity = "severity", "Severity", "严重程度";
        Assignee = "assignee", "Assignee", "处理人";
        Iteration = "iteration", "Iteration", "迭代";
        App = "app", "App", "应用";
        Parent = "parent", "Parent", "父事项";
        Labels = "labels", "Labels", "标签";
        Points = "points", "Estimate", "估算";
        Start = "starts_on", "Start", "开始日期";
        Due = "due_on", "Due", "截止日期";
        FoundRelease = "found_release", "Found in release", "发现版本";
        FoundEnvironment = "found_environment", "Found in environment", "发现环境";
        FixedRelease = "fixed_release", "Fixed in release", "修复版本";
        FixedEnvironment = "fixed_environment", "Fixed in environment", "修复环境";
    }
}

impl Field {
    /// What `value` is called, for people.
    pub fn say(self, value: &Value) -> Text {
        let known = match self {
            Self::Priority => Priority::from_key(&value.key).map(Priority::text),
            Self::Severity => Severity::from_key(&value.key).map(Severity::text),
            _ => None,
        };
        match known {
            Some(text) => text,
            None if value.said.is_empty() => Text::new("–", "–"),
            None => Text::new(value.said.clone(), value.said.clone()),
        }
    }
}

/// What a field holds: as it is stored, and what that is called. Both empty: nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Value {
    /// As it is stored: a text, a number, a key or an id.
    pub key: String,
    /// What people call it.
    pub said: String,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Value {}

impl Value {
    /// A text that is called what it is.
    pub fn plain(key: impl Into<String>) -> Self {
        let key = key.into();
        Self {
            said: key.clone(),
            key,
        }
    }

    fn of<I: TypedId>(named: Option<&Named<I>>) -> Self {
        named.map_or_else(Self::default, |named| Self {
            key: named.id.to_string(),
            said: named.name.clone(),
        })
    }

    fn named<I: TypedId>(&self) -> Option<Named<I>> {
        let uuid = uuid::Uuid::parse_str(&self.key).ok()?;
        Some(Named {
            id: I::from_uuid(uuid),
            name: self.said.clone(),
        })
    }

    fn text(&self) -> Option<String> {
        (!self.key.is_empty()).then(|| self.key.clone())
    }
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which.
    pub field: Field,
    /// What it held.
    pub before: Value,
    /// What it holds.
    pub after: Value,
}

/// What people write into an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// In one line.
    pub title: String,
    /// In as many words as it takes: Markdown.
    pub description: String,
    /// How soon it is wanted.
    pub priority: Priority,
    /// How bad, for bugs.
    pub severity: Option<Severity>,
    /// Who does it.
    pub assignee: Option<Named<UserId>>,
    /// The iteration it is planned for.
    pub iteration: Option<Named<IterationId>>,
    /// The app it is about.
    pub app: Option<Named<AppId>>,
    /// The item it is a part of, by its key.
    pub parent: Option<Named<ItemId>>,
    /// Its labels.
    pub labels: Labels,
    /// The estimate, in points.
    pub points: Option<i64>,
    /// The day it begins, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<String>,
    /// The day it is due, `YYYY-MM-DD`.
    pub due_on: Option<String>,
    /// The release it was found in.
    pub found_release: Option<Named<ReleaseId>>,
    /// The environment it was found in.
    pub found_environment: Option<Named<EnvironmentId>>,
    /// The release it is fixed in.
    pub fixed_release: Option<Named<ReleaseId>>,
    /// The environment the fix was seen in.
    pub fixed_environment: Option<Named<EnvironmentId>>,
}

impl Content {
    /// A title and nothing else.
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            iteration: None,
            app: None,
            parent: None,
            labels: Labels::default(),
            points: None,
            starts_on: None,
            due_on: None,
            found_release: None,
            found_environment: None,
            fixed_release: None,
            fixed_environment: None,
        }
    }

    /// What `field` holds.
    pub fn get(&self, field: Field) -> Value {
        match field {
            Field::Title => Value::plain(self.title.clone()),
            Field::Description => Value::plain(self.description.clone()),
            Field::Priority => Value {
                key: self.priority.key().to_owned(),
                said: self.priority.text().en,
            },
            Field::Severity => self.severity.map_or_else(Value::default, |severity| Value {
                key: severity.key().to_owned(),
                said: severity.text().en,
            }),
            Field::Assignee => Value::of(self.assignee.as_ref()),
            Field::Iteration => Value::of(self.iteration.as_ref()),
            Field::App => Value::of(self.app.as_ref()),
            Field::Parent => Value::of(self.parent.as_ref()),
            Field::Labels => Value {
                key: self.labels.stored(),
                said: self.labels.typed(),
            },
            Field::Points => self
                .points
                .map_or_else(Value::default, |points| Value::plain(points.to_string())),
            Field::Start => self.starts_on.clone().map_or_else(Value::default, Value::plain),
            Field::Due => self.due_on.clone().map_or_else(Value::default, Value::plain),
            Field::FoundRelease => Value::of(self.found_release.as_ref()),
            Field::FoundEnvironment => Value::of(self.found_environment.as_ref()),
            Field::FixedRelease => Value::of(self.fixed_release.as_ref()),
            Field::FixedEnvironment => Value::of(self.fixed_environment.as_ref()),
        }
    }

    /// Makes `field` hold what [`get`](Self::get) said of another item.
    pub fn set(&mut self, field: Field, value: &Value) {
        match field {
            Field::Title => self.title.clone_from(&value.key),
            Field::Description => self.description.clone_from(&value.key),
            Field::Priority => self.priority = Priority::from_key(&value.key).unwrap_or(Priority::Normal),
            Field::Severity => self.severity = Severity::from_key(&value.key),
            Field::Assignee => self.assignee = value.named(),
            Field::Iteration => self.iteration = value.named(),
            Field::App => self.app = value.named(),
            Field::Parent => self.parent = value.named(),
            Field::Labels => self.labels = Labels::from_stored(&value.key),
            Field::Points => self.points = value.key.parse().ok(),
            Field::Start => self.starts_on = value.text(),
            Field::Due => self.due_on = value.text(),
            Field::FoundRelease => self.found_release = value.named(),
            Field::FoundEnvironment => self.found_environment = value.named(),
            Field::FixedRelease => self.fixed_release = value.named(),
            Field::FixedEnvironment => self.fixed_environment = value.named(),
        }
    }

    /// What differs between this and what came `after`, in the order of [`Field::ALL`].
    pub fn changes(&self, after: &Self) -> Vec<FieldChange> {
        let of = |field: &Field| {
            let (before, now) = (self.get(*field), after.get(*field));
            (before != now).then_some(FieldChange {
                field: *field,
                before,
                after: now,
            })
        };
        Field::ALL.iter().filter_map(of).collect()
    }

    /// This after `changes`, the oldest first.
    #[must_use]
    pub fn replay(mut self, changes: &[FieldChange]) -> Self {
        for change in changes {
            self.set(change.field, &change.after);
        }
        self
    }

    /// This before `changes`, the oldest first.
    #[must_use]
    pub fn rewind(mut self, changes: &[FieldChange]) -> Self {
        for change in changes.iter().rev() {
            self.set(change.field, &change.before);
        }
        self
    }
}

/// A field that two people changed to different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Which.
    pub field: Field,
    /// What the one who comes later wrote.
    pub mine: Value,
    /// What it holds by now.
    pub theirs: Value,
}

/// Brings an edit that began at `base` and ends in `mine` together with what the item holds by now. Fields that only
/// one side changed go through.
///
/// # Errors
/// The fields where both differ; and, as the edit is refused then, those that only the others changed, so that who
/// tries again sees every value that is not as they knew it.
pub fn merge(base: &Content, mine: &Content, now: &Content) -> Result<Content, Vec<Clash>> {
    let mut merged = now.clone();
    let (mut clashes, mut theirs_alone) = (Vec::new(), Vec::new());
    for field in Field::ALL {
        let (was, wanted, is) = (base.get(*field), mine.get(*field), now.get(*field));
        if wanted == is {
            continue;
        }
        let clash = Clash {
            field: *field,
            mine: wanted.clone(),
            theirs: is.clone(),
        };
        if is == was {
            merged.set(*field, &wanted);
        } else if wanted == was {
            theirs_alone.push(clash);
        } else {
            clashes.push(clash);
        }
    }
    if clashes.is_empty() {
        return Ok(merged);
    }
    clashes.append(&mut theirs_alone);
    Err(clashes)
}

impl ItemKind {
    /// Whether an item of this kind can have parts of kind `part`: an epic has everything but epics, a requirement
    /// has tasks and bugs. So no item is ever a part of itself.
    pub const fn contains(self, part: Self) -> bool {
        match self {
            Self::Epic => !matches!(part, Self::Epic),
            Self::Requirement => matches!(part, Self::Task | Self::Bug),
            Self::Task | Self::Bug => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named<I: TypedId + std::fmt::Debug>() -> impl Strategy<Value = Option<Named<I>>> {
        proptest::option::of((1..4_u128).prop_map(|n| Named {
            id: I::from_uuid(uuid::Uuid::from_u128(n)),
            name: format!("n{n}"),
        }))
    }

    prop_compose! {
        fn content()(
            words in ("[a-c|,@<]{0,3}", "[a-c\n]{0,3}"),
            ranks in (proptest::sample::select(Priority::ALL), proptest::option::of(proptest::sample::select(Severity::ALL))),
            people in (named(), named(), named(), named()),
            labels in "[a-c, ]{0,6}",
            points in proptest::option::of(0..3_i64),
            days in (proptest::option::of("2026-0[1-3]-01"), proptest::option::of("2026-0[1-3]-01")),
            seen in (named(), named(), named(), named()),
        ) -> Content {
            Content {
                title: words.0,
                description: words.1,
                priority: ranks.0,
                severity: ranks.1,
                assignee: people.0,
                iteration: people.1,
                app: people.2,
                parent: people.3,
                labels: Labels::parse(&labels).unwrap(),
                points,
                starts_on: days.0,
                due_on: days.1,
                found_release: seen.0,
                found_environment: seen.1,
                fixed_release: seen.2,
                fixed_environment: seen.3,
            }
        }
    }

    proptest! {
        #[test]
        fn history_tells_what_an_item_held_at_any_time(versions in proptest::collection::vec(content(), 1..6)) {
            let log: Vec<Vec<FieldChange>> = versions.windows(2).map(|pair| pair[0].changes(&pair[1])).collect();
            for (at, version) in versions.iter().enumerate() {
                let (before, after) = log.split_at(at);
                prop_assert_eq!(&versions[0].clone().replay(&before.concat()), version);
                prop_assert_eq!(&versions.last().unwrap().clone().rewind(&after.concat()), version);
            }
        }

        #[test]
        fn an_edit_loses_nothing_that_others_wrote(base in content(), mine in content(), now in content()) {
            match merge(&base, &mine, &now) {
                Ok(merged) => for field in Field::ALL {
                    let (was, wanted, is) = (base.get(*field), mine.get(*field), now.get(*field));
                    let right = if wanted == was { is } else { wanted };
                    prop_assert_eq!(merged.get(*field), right);
                },
                Err(clashes) => {
                    prop_assert!(clashes.iter().any(|c| base.get(c.field) != c.mine && base.get(c.field) != c.theirs));
                    for field in Field::ALL {
                        let (was, wanted, is) = (base.get(*field), mine.get(*field), now.get(*field));
                        let shown = clashes.iter().any(|c| c.field == *field);
                        prop_assert_eq!(shown, is != was && wanted != is, "{:?}", field);
                    }
                }
            }
            prop_assert_eq!(merge(&base, &mine, &base), Ok(mine.clone()));
            prop_assert_eq!(merge(&base, &base, &now), Ok(now.clone()));
        }

        #[test]
        fn labels_survive_the_database(typed in "[a-d ,，、]{0,24}") {
            let labels = Labels::parse(&typed).unwrap();
            prop_assert_eq!(&Labels::from_stored(&labels.stored()), &labels);
            prop_assert_eq!(&Labels::parse(&labels.typed()).unwrap(), &labels);
        }
    }

    #[test]
    fn a_label_that_could_not_be_stored_is_refused() {
        assert!(Labels::parse("a|b").is_err());
        assert!(Labels::parse(&"x".repeat(41)).is_err());
        assert!(Labels::parse(&(0..21).map(|n| n.to_string()).collect::<Vec<_>>().join(",")).is_err());
    }

    #[test]
    fn no_item_is_a_part_of_itself() {
        for kind in ItemKind::ALL {
            assert!(!kind.contains(*kind), "{}", kind.key());
            for part in ItemKind::ALL {
                assert!(!(kind.contains(*part) && part.contains(*kind)));
            }
        }
    }
}
