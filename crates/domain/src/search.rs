//! Search: what somebody looks for, how well something fits it, and what was found.

use crate::access::{Action, ActionSet};
use crate::item::{ItemKind, ItemState};
use crate::project::Place;
use crate::run::RunStatus;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest query, in characters; what is typed beyond it does not count.
pub const LONGEST: usize = 100;

/// What somebody looks for: never empty, without control characters, spaces as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    text: String,
    folded: String,
}

/// How well something fits a query, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It is its key, its slug or its name.
    Exact,
    /// It begins one of them.
    Start,
    /// It stands somewhere in one of them.
    Inside,
}

impl Query {
    /// What was typed, cleaned; `None` where that leaves nothing.
    pub fn parse(typed: &str) -> Option<Self> {
        let plain: String = typed
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let words: Vec<_> = plain.split_whitespace().collect();
        let text: String = words.join(" ").chars().take(LONGEST).collect();
        let text = text.trim_end().to_owned();
        (!text.is_empty()).then(|| Self {
            folded: text.to_lowercase(),
            text,
        })
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In small letters.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The best fit among the names of something; `None`: it is not in any of them.
    pub fn rank<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<Rank> {
        names.into_iter().filter_map(|name| self.fit(name)).min()
    }

    fn fit(&self, name: &str) -> Option<Rank> {
        let name = name.to_lowercase();
        if name == self.folded {
            Some(Rank::Exact)
        } else if name.starts_with(&self.folded) {
            Some(Rank::Start)
        } else {
            name.contains(&self.folded).then_some(Rank::Inside)
        }
    }

    /// The number that is meant by `41` or `#41`.
    pub fn number(&self) -> Option<i64> {
        let digits = self.text.strip_prefix('#').unwrap_or(&self.text);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    }

    /// The query as a version: `2.4` for `v2.4`.
    pub fn version(&self) -> &str {
        let number = self.folded.strip_prefix('v');
        number
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(&self.folded)
    }
}

/// The kinds of things that are found, in the order they are shown in where they fit alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// An app.
    App,
    /// A project.
    Project,
    /// A work item.
    Item,
    /// A release.
    Release,
    /// A run.
    Run,
    /// An environment.
    Environment,
    /// Somebody of an organization.
    Person,
    /// An organization.
    Org,
}

impl HitKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::App,
        Self::Project,
        Self::Item,
        Self::Release,
        Self::Run,
        Self::Environment,
        Self::Person,
        Self::Org,
    ];

    /// Its name in the API.
    pub const fn key(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Project => "project",
            Self::Item => "item",
            Self::Release => "release",
            Self::Run => "run",
            Self::Environment => "environment",
            Self::Person => "person",
            Self::Org => "org",
        }
    }

    /// What a group of them is called.
    pub fn text(self) -> Text {
        match self {
            Self::App => Text::new("Apps", "应用"),
            Self::Project => Text::new("Projects", "项目"),
            Self::Item => Text::new("Work items", "事项"),
            Self::Release => Text::new("Releases", "发布"),
            Self::Run => Text::new("Runs", "运行"),
            Self::Environment => Text::new("Environments", "环境"),
            Self::Person => Text::new("People", "人员"),
            Self::Org => Text::new("Organizations", "组织"),
        }
    }
}

/// Where something that was found stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A work item.
    Item(ItemKind, ItemState),
    /// A run.
    Run(RunStatus),
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// What kind of thing.
    pub kind: HitKind,
    /// What it is known by: `CHK-12`, `#41`, `2.4.1`, a slug, a sign-in name.
    pub key: String,
    /// Its name; empty where the key is all it has.
    pub title: String,
    /// Where it is, as in `Acme / Checkout`; empty for what is in nothing.
    pub within: String,
    /// Its page.
    pub path: String,
    /// Where it stands.
    pub mark: Option<Mark>,
    /// When it was made, where that tells it from others.
    pub at: Option<Timestamp>,
}

/// What was found of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitGroup {
    /// The kind.
    pub kind: HitKind,
    /// The best first.
    pub hits: Vec<Hit>,
    /// Whether there are more than these that the reader may see.
    pub more: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What was looked for; empty: nothing was, and these are the things of late.
    pub query: String,
    /// By kind, the kind with the best fit first.
    pub groups: Vec<HitGroup>,
}

/// A hit with how well it fits.
pub type Ranked = (Rank, Hit);

/// Puts hits into groups of at most `limit`. The sort is stable: what fits alike keeps the order it came in.
pub fn grouped(mut hits: Vec<Ranked>, limit: usize) -> Vec<HitGroup> {
    hits.sort_by_key(|(rank, hit)| (*rank, hit.kind));
    let mut groups: Vec<HitGroup> = Vec::new();
    for (_, hit) in hits {
        let Some(group) = groups.iter_mut().find(|group| group.kind == hit.kind) else {
            groups.push(HitGroup {
                kind: hit.kind,
                hits: vec![hit],
                more: false,
            });
            continue;
        };
        if group.hits.len() < limit {
            group.hits.push(hit);
        } else {
            group.more = true;
        }
    }
    groups
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $en:literal, $zh:literal;)+) => {
        /// Something the palette offers beside what it finds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CommandKind { $($(#[$doc])* $name,)+ }

        impl CommandKind {
            /// What it is called.
            pub fn text(self) -> Text {
                match self { $(Self::$name => Text::new($en, $zh),)+ }
            }
        }
    };
}

commands! {
    /// Make a work item.
    NewItem = "New work item", "新建事项";
    /// The front page.
    Home = "Go to my work", "前往我的工作";
    /// The approvals.
    Approvals = "Go to approvals", "前往审批";
    /// The notifications.
    Notifications = "Go to notifications", "前往通知";
    /// The project.
    Project = "Go to the project", "前往项目";
    /// The board.
    Board = "Go to the board", "前往看板";
    /// The bugs.
    Bugs = "Go to bugs", "前往缺陷";
    /// The environments.
    Environments = "Go to environments", "前往环境";
    /// The members.
    Members = "Go to members", "前往成员";
    /// The audit log.
    Audit = "Go to the audit log", "前往审计日志";
}

/// A command and the page it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Which.
    pub kind: CommandKind,
    /// Where it leads.
    pub path: String,
}

/// The commands for somebody who may do `held` at `place` (`None`: nowhere in particular).
pub fn commands(place: Option<&Place>, held: ActionSet) -> Vec<Command> {
    use CommandKind as K;
    let mut all = vec![
        (K::Home, String::from("/")),
        (K::Approvals, String::from("/approvals")),
        (K::Notifications, String::from("/notifications")),
    ];
    if let Some(place) = place {
        let root = place.path();
        if place.project.is_some() {
            if held.has(Action::ItemCreate) {
                all.insert(0, (K::NewItem, format!("{root}/items/new")));
            }
            all.extend([
                (K::Project, root.clone()),
                (K::Board, format!("{root}/board")),
                (K::Bugs, format!("{root}/bugs")),
                (K::Environments, format!("{root}/environments")),
            ]);
        }
        all.push((K::Members, format!("{root}/members")));
        if held.has(Action::AuditRead) {
            all.push((K::Audit, format!("{root}/audit")));
        }
    }
    all.into_iter()
        .map(|(kind, path)| Command { kind, path })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hit(kind: HitKind, key: &str) -> Hit {
        Hit {
            kind,
            key: key.to_owned(),
            title: String::new(),
            within: String::new(),
            path: String::from("/"),
            mark: None,
            at: None,
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_becomes_a_clean_query_or_none(typed in any::<String>()) {
            if let Some(query) = Query::parse(&typed) {
                prop_assert!(!query.text().is_empty() && query.text().trim() == query.text());
                prop_assert!(query.text().chars().count() <= LONGEST);
                prop_assert!(!query.text().contains(char::is_control));
                prop_assert_eq!(Query::parse(query.text()), Some(query.clone()), "cleaning again changes nothing");
            }
        }

        #[test]
        fn a_part_of_a_name_finds_it_in_any_case(name in "[a-zA-Z0-9退款按钮]{3,12}", from in 0_usize..3) {
            let part: String = name.chars().skip(from).collect();
            for typed in [part.to_uppercase(), part.to_lowercase(), part] {
                let rank = Query::parse(&typed).unwrap().rank([name.as_str()]);
                prop_assert!(rank.is_some(), "{typed} in {name}");
                prop_assert_eq!(rank == Some(Rank::Exact), from == 0);
            }
        }

        #[test]
        fn groups_keep_the_best_and_say_that_there_are_more(count in 1_usize..9, limit in 1_usize..9) {
            let hits = (0..count).map(|n| (Rank::Inside, hit(HitKind::Item, &n.to_string()))).collect();
            let groups = grouped(hits, limit);
            prop_assert_eq!(groups[0].hits.len(), count.min(limit));
            prop_assert_eq!(groups[0].more, count > limit);
            prop_assert_eq!(&groups[0].hits[0].key, "0");
        }
    }

    #[test]
    fn an_exact_key_comes_before_a_beginning_and_that_before_the_middle() {
        let query = Query::parse("Order").unwrap();
        assert_eq!(query.rank(["order", "x"]), Some(Rank::Exact));
        assert_eq!(query.rank(["x", "order-api"]), Some(Rank::Start));
        assert_eq!(query.rank(["the order"]), Some(Rank::Inside));
        assert_eq!(query.rank(["x"]), None);
        let groups = grouped(
            vec![
                (Rank::Inside, hit(HitKind::App, "reorder")),
                (Rank::Exact, hit(HitKind::Item, "order")),
            ],
            5,
        );
        assert_eq!(
            groups[0].kind,
            HitKind::Item,
            "the better fit leads, whatever its kind"
        );
    }

    #[test]
    fn numbers_and_versions_are_read_as_people_write_them() {
        let of = |typed: &str| Query::parse(typed).unwrap();
        assert_eq!(of("#41").number(), Some(41));
        assert_eq!(of(" 41 ").number(), Some(41));
        for none in ["#", "+41", "4a", "-1", "99999999999999999999"] {
            assert_eq!(of(none).number(), None, "{none}");
        }
        assert_eq!(of("V2.4").version(), "2.4");
        assert_eq!(of("vega").version(), "vega");
    }

    #[test]
    fn commands_are_those_the_reader_may_use() {
        let nowhere = commands(None, ActionSet::all());
        assert_eq!(nowhere.len(), 3, "what belongs to a place needs one");
    }
}
