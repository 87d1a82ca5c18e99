//! Reading a file row by row.

use super::words::{day_of, folded, kind_of, plain_cell, points_of, priority_of, severity_of, state_of};
use super::{Column, Mapping, Meaning};
use crate::id::UserId;
use crate::item::{Category, ItemKind, Labels, Priority, Severity};
use crate::person::PersonRef;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest title, in characters.
const TITLE_MAX: usize = 200;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 50_000;

/// Somebody who can be named in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namesake {
    /// Who.
    pub person: PersonRef,
    /// Their address.
    pub email: Option<String>,
}

/// A file as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The headings, as they stand there; the same one may stand there more than once.
    pub headers: Vec<String>,
    /// The rows; a short one has empty cells at its end.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// What stands in a row under a heading: where it stands there more than once, all of it, with commas between.
    pub fn cell(&self, row: usize, header: &str) -> String {
        let Some(cells) = self.rows.get(row) else {
            return String::new();
        };
        let found: Vec<&str> = self
            .headers
            .iter()
            .enumerate()
            .filter(|(_, name)| *name == header)
            .filter_map(|(at, _)| cells.get(at))
            .map(|cell| plain_cell(cell).trim())
            .filter(|cell| !cell.is_empty())
            .collect();
        found.join(", ")
    }
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// What the row is known by: the key in the file, or the hash of what it says.
    pub key: String,
    /// In one line.
    pub title: String,
    /// Markdown.
    pub description: String,
    /// What kind of work.
    pub kind: ItemKind,
    /// Where it stands.
    pub state: Category,
    /// How soon it is wanted.
    pub priority: Priority,
    /// How bad, for bugs.
    pub severity: Option<Severity>,
    /// Who does it.
    pub assignee: Option<UserId>,
    /// Its labels.
    pub labels: Labels,
    /// The estimate.
    pub points: Option<i64>,
    /// `YYYY-MM-DD`.
    pub starts_on: Option<String>,
    /// `YYYY-MM-DD`.
    pub due_on: Option<String>,
}

/// What is wrong in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// The row, from 2: the headings are the first one.
    pub row: usize,
    /// Which column.
    pub column: Column,
    /// What stands there.
    pub cell: String,
    /// What is wrong, and what to do.
    pub text: Text,
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Reads one row after the other.
pub struct Reader<'a> {
    table: &'a Table,
    mapping: &'a Mapping,
    people: &'a [Namesake],
    seen: BTreeMap<String, usize>,
}

impl<'a> Reader<'a> {
    /// A reader of a table.
    pub fn new(table: &'a Table, mapping: &'a Mapping, people: &'a [Namesake]) -> Self {
        Self {
            table,
            mapping,
            people,
            seen: BTreeMap::new(),
        }
    }

    fn cell(&self, row: usize, column: Column) -> String {
        self.mapping
            .columns
            .get(&column)
            .map(|header| self.table.cell(row, header))
            .unwrap_or_default()
    }

    fn person(&self, word: &str) -> Option<UserId> {
        let word = folded(word);
        let mut found = self.people.iter().filter(|one| {
            folded(&one.person.username) == word
                || folded(&one.person.name) == word
                || one.email.as_ref().is_some_and(|email| folded(email) == word)
        });
        let first = found.next()?;
        // Two people of one name are told apart by whoever imports.
        found.next().is_none().then_some(first.person.id)
    }

    /// What a word of a column means; `None`: nobody knows.
    fn meaning(&self, column: Column, word: &str) -> Option<Meaning> {
        if let Some(chosen) = self.mapping.word(column, word) {
            return Some(chosen.clone());
        }
        match column {
            Column::Kind => kind_of(word).map(Meaning::Kind),
            Column::State => state_of(word).map(Meaning::State),
            Column::Priority => priority_of(word).map(Meaning::Priority),
            Column::Severity => severity_of(word).map(Meaning::Severity),
            Column::Assignee => self.person(word).map(Meaning::Person),
            _ => Some(Meaning::Nothing),
        }
    }

    /// The words whose meaning nobody knows, by column.
    pub fn unknown(&self) -> BTreeMap<Column, BTreeSet<String>> {
        let mut unknown: BTreeMap<Column, BTreeSet<String>> = BTreeMap::new();
        let columns = [
            Column::Kind,
            Column::State,
            Column::Priority,
            Column::Severity,
            Column::Assignee,
        ];
        for column in columns {
            let words: BTreeSet<String> = (0..self.table.rows.len())
                .map(|row| self.cell(row, column))
                .filter(|word| !word.is_empty())
                .collect();
            for word in words {
                let chosen = self.mapping.word(column, &word).is_some();
                if chosen || self.meaning(column, &word).is_none() {
                    unknown.entry(column).or_default().insert(word);
                }
            }
        }
        unknown
    }

    /// The days a row begins and is due on; what is wrong is said.
    fn days(&self, row: usize, mut say: impl FnMut(Column, &str, String, String)) -> [Option<String>; 2] {
        let days = [Column::Start, Column::Due].map(|column| {
            let cell = self.cell(row, column);
            let day = if cell.is_empty() { None } else { day_of(&cell) };
            if !cell.is_empty() && day.is_none() {
                let (en, zh) = ("this is no day such as 2026-11-21", "不是日期，如 2026-11-21");
                say(column, &cell, en.into(), zh.into());
            }
            day
        });
        if let [Some(start), Some(due)] = &days
            && start > due
        {
            let (en, zh) = ("it begins after the day it is due", "开始日期晚于截止日期");
            say(Column::Start, start, en.into(), zh.into());
        }
        days
    }

    /// What a row says, `row` from 0.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn read(&mut self, row: usize) -> Result<Incoming, Vec<RowError>> {
        let mut wrong = Vec::new();
        let mut say = |column: Column, cell: &str, en: String, zh: String| {
            wrong.push(RowError {
                row: row + 2,
                column,
                cell: short(cell),
                text: Text::new(en, zh),
            });
        };
        let title = self.cell(row, Column::Title);
        if title.is_empty() {
            say(Column::Title, "", "the title is empty".into(), "标题为空".into());
        } else if title.chars().count() > TITLE_MAX {
            let (en, zh) = ("the title has more than 200 characters", "标题超过 200 个字符");
            say(Column::Title, &title, en.into(), zh.into());
        }
        let description = self.cell(row, Column::Description).replace("\r\n", "\n");
        if description.chars().count() > DESCRIPTION_MAX {
            let (en, zh) = (
                "the description has more than 50,000 characters",
                "描述超过 50000 个字符",
            );
            say(Column::Description, &description, en.into(), zh.into());
        }
        let mut meant = BTreeMap::new();
        for column in [
            Column::Kind,
            Column::State,
            Column::Priority,
            Column::Severity,
            Column::Assignee,
        ] {
            let word = self.cell(row, column);
            if word.is_empty() {
                continue;
            }
            match self.meaning(column, &word) {
                Some(meaning) => drop(meant.insert(column, meaning)),
                None => say(
                    column,
                    &word,
                    format!("nobody knows what “{}” means; say it above", short(&word)),
                    format!("无法识别“{}”，请在上方指定", short(&word)),
                ),
            }
        }
        let labels = Labels::parse(&self.cell(row, Column::Labels)).unwrap_or_else(|text| {
            say(Column::Labels, &self.cell(row, Column::Labels), text.en, text.zh);
            Labels::default()
        });
        let cell = self.cell(row, Column::Points);
        let points = points_of(&cell);
        if !cell.is_empty() && points.is_none() {
            let (en, zh) = (
                "the estimate is no whole number from 0 to 100",
                "估算不是 0 到 100 的整数",
            );
            say(Column::Points, &cell, en.into(), zh.into());
        }
        let [starts_on, due_on] = self.days(row, say);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let kind = match meant.get(&Column::Kind) {
            Some(Meaning::Kind(kind)) => *kind,
            _ => ItemKind::Task,
        };
        let severity = match meant.get(&Column::Severity) {
            Some(Meaning::Severity(severity)) => *severity,
            _ => Severity::Normal,
        };
        Ok(Incoming {
            key: self.key(row),
            title,
            description,
            kind,
            state: match meant.get(&Column::State) {
                Some(Meaning::State(state)) => *state,
                _ => Category::Todo,
            },
            priority: match meant.get(&Column::Priority) {
                Some(Meaning::Priority(priority)) => *priority,
                _ => Priority::Normal,
            },
            severity: (kind == ItemKind::Bug).then_some(severity),
            assignee: match meant.get(&Column::Assignee) {
                Some(Meaning::Person(person)) => Some(*person),
                _ => None,
            },
            labels,
            points,
            starts_on,
            due_on,
        })
    }

    /// What a row is known by. Rows that say the same are told apart by their order.
    fn key(&mut self, row: usize) -> String {
        let key = self.cell(row, Column::Key);
        let key = if key.is_empty() {
            let cells = self
                .table
                .rows
                .get(row)
                .map(|cells| cells.join("\u{1f}"))
                .unwrap_or_default();
            format!("#{}", crate::audit::chain_hash("", &[&cells]))
        } else {
            key.chars().take(200).collect()
        };
        let count = self.seen.entry(key.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            key
        } else {
            format!("{key}\u{1f}{count}")
        }
    }
}
