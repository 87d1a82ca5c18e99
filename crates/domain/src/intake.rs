//! Work items that come from a file: what its columns mean, what its words mean, and what is wrong in which row.
//!
//! Nothing here knows the database: a row becomes what it says, or a list of what is wrong with it.

mod read;
mod words;

pub use read::{Incoming, Namesake, Reader, RowError, Table};
pub use words::{day_of, plain_cell};

use crate::id::{IntakeId, UserId};
use crate::item::{Category, ItemKind, Priority, Severity, keyed};
use crate::person::PersonRef;
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::folded;

/// The most rows of a file.
pub const ROWS_MOST: usize = 20_000;
/// The largest file, in bytes.
pub const FILE_MAX: usize = 10 * 1024 * 1024;
/// The most words of one column that are mapped by hand.
pub const WORDS_MOST: usize = 100;

keyed! {
    /// Who wrote the file: which columns and words are known without being mapped.
    Source {
        Csv = "csv", "CSV", "CSV";
        Jira = "jira", "Jira", "Jira";
        Gitlab = "gitlab", "GitLab", "GitLab";
    }
}

keyed! {
    /// What a column can be.
    Column {
        Key = "key", "Key in the file", "文件中的编号";
        Title = "title", "Title", "标题";
        Description = "description", "Description", "描述";
        Kind = "kind", "Type", "类型";
        State = "state", "State", "状态";
        Priority = "priority", "Priority", "优先级";
        Severity = "severity", "Severity", "严重程度";
        Assignee = "assignee", "Assignee", "处理人";
        Labels = "labels", "Labels", "标签";
        Points = "points", "Estimate", "估算";
        Start = "starts_on", "Start", "开始日期";
        Due = "due_on", "Due", "截止日期";
    }
}

keyed! {
    /// Where an import stands.
    IntakeState {
        Draft = "draft", "Being prepared", "准备中";
        Running = "running", "Running", "进行中";
        Done = "done", "Done", "已完成";
        Stopped = "stopped", "Stopped", "已停止";
    }
}

/// What a word of a column means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// A kind of work.
    Kind(ItemKind),
    /// The column of the board.
    State(Category),
    /// How soon it is wanted.
    Priority(Priority),
    /// How bad it is.
    Severity(Severity),
    /// Somebody.
    Person(UserId),
    /// Nothing: it is left out.
    Nothing,
}

/// What the columns and the words of a file mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// By what a column is, its heading in the file.
    pub columns: BTreeMap<Column, String>,
    /// By column and word in small letters, what the word means; what stands here goes before what is known.
    pub words: BTreeMap<Column, BTreeMap<String, Meaning>>,
}

/// What a column is called by whoever writes such files, in small letters.
const fn headings(column: Column) -> &'static [&'static str] {
    match column {
        Column::Key => &["key", "issue key", "issue id", "issue iid", "id", "iid", "编号"],
        Column::Title => &["title", "summary", "subject", "name", "标题"],
        Column::Description => &["description", "body", "描述"],
        Column::Kind => &["type", "issue type", "issuetype", "kind", "类型"],
        Column::State => &["state", "status", "状态"],
        Column::Priority => &["priority", "优先级"],
        Column::Severity => &["severity", "custom field (severity)", "严重程度"],
        Column::Assignee => &[
            "assignee username",
            "assignee",
            "assigned to",
            "owner",
            "处理人",
            "负责人",
        ],
        Column::Labels => &["labels", "label", "tags", "标签"],
        Column::Points => &[
            "points",
            "story points",
            "custom field (story points)",
            "custom field (story point estimate)",
            "story point estimate",
            "weight",
            "estimate",
            "估算",
        ],
        Column::Start => &["starts_on", "start date", "start", "startdate", "开始日期"],
        Column::Due => &["due_on", "due date", "due", "duedate", "截止日期"],
    }
}

impl Mapping {
    /// What the headings of a file most likely are.
    pub fn guess(headers: &[String]) -> Self {
        let mut columns = BTreeMap::new();
        for column in Column::ALL {
            let found = headings(*column).iter().find_map(|name| {
                headers
                    .iter()
                    .find(|header| header.trim().to_lowercase() == **name)
            });
            if let Some(header) = found {
                columns.insert(*column, header.clone());
            }
        }
        Self {
            columns,
            words: BTreeMap::new(),
        }
    }

    fn word(&self, column: Column, word: &str) -> Option<&Meaning> {
        self.words.get(&column)?.get(&folded(word))
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows of the file.
    pub rows: usize,
    /// Rows that were worked on.
    pub done: usize,
    /// Items that were made, or would be.
    pub made: usize,
    /// Rows whose item is there already.
    pub known: usize,
    /// Rows with something wrong.
    pub wrong: usize,
}

/// An import in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeRow {
    /// Which.
    pub id: IntakeId,
    /// What the file was called.
    pub name: String,
    /// Who wrote it.
    pub source: Source,
    /// Where it stands.
    pub state: IntakeState,
    /// How far it is.
    pub progress: Progress,
    /// Who began it.
    pub author: PersonRef,
    /// When.
    pub created_at: Timestamp,
}

/// A row as it would become an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// The row in the file.
    pub row: usize,
    /// The item that is there already, as in `CHK-12`.
    pub known: Option<String>,
    /// In one line.
    pub title: String,
    /// What kind of work.
    pub kind: ItemKind,
    /// Where it would stand.
    pub state: Category,
}

/// A word of the file, and what it is to mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordChoice {
    /// Of which column.
    pub column: Column,
    /// The word.
    pub word: String,
    /// What was chosen.
    pub chosen: Option<Meaning>,
}

/// What the page of an import shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeView {
    /// Where.
    pub place: Place,
    /// The import.
    pub row: IntakeRow,
    /// The headings of the file, each once.
    pub headers: Vec<String>,
    /// Which column is what.
    pub columns: BTreeMap<Column, String>,
    /// The words to be told the meaning of.
    pub words: Vec<WordChoice>,
    /// Whoever an item can be given to.
    pub people: Vec<PersonRef>,
    /// The first rows as they would become items.
    pub preview: Vec<PreviewRow>,
    /// What is wrong, the first 100.
    pub errors: Vec<RowError>,
    /// Grows with every change.
    pub version: i64,
}

/// What the page of imports shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeList {
    /// Where.
    pub place: Place,
    /// The newest first.
    pub imports: Vec<IntakeRow>,
    /// Whether the reader may import.
    pub may_import: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::csv_cell;
    use crate::id::TypedId;
    use crate::item::Labels;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn table(headers: &[&str], rows: &[&[&str]]) -> Table {
        let own = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        Table {
            headers: own(headers),
            rows: rows.iter().map(|row| own(row)).collect(),
        }
    }

    fn ada() -> Namesake {
        Namesake {
            person: PersonRef {
                id: UserId::from_uuid(uuid::Uuid::from_u128(1)),
                username: String::from("ada"),
                name: String::from("Ada Lovelace"),
            },
            email: Some(String::from("ada@example.com")),
        }
    }

    #[test]
    fn a_row_of_jira_is_read_without_being_mapped() {
        let headers = [
            "Issue key",
            "Summary",
            "Issue Type",
            "Status",
            "Priority",
            "Assignee",
            "Labels",
            "Labels",
            "Due date",
            "Custom field (Story Points)",
            "Description",
        ];
        let row = [
            "OLD-7",
            "Refunds",
            "Story",
            "In Progress",
            "Highest",
            "Ada Lovelace",
            "money",
            "ui",
            "21/Nov/26 8:00 AM",
            "5.0",
            "one\r\ntwo",
        ];
        let table = table(&headers, &[&row]);
        let mapping = Mapping::guess(&table.headers);
        let people = [ada()];
        let read = Reader::new(&table, &mapping, &people).read(0).unwrap();
        assert_eq!((read.key.as_str(), read.title.as_str()), ("OLD-7", "Refunds"));
        assert_eq!(
            (read.kind, read.state),
            (ItemKind::Requirement, Category::InProgress)
        );
        assert_eq!((read.priority, read.points), (Priority::Urgent, Some(5)));
        assert_eq!(read.assignee, Some(people[0].person.id));
        assert_eq!(read.labels, Labels::parse("money, ui").unwrap());
        assert_eq!(read.due_on.as_deref(), Some("2026-11-21"));
        assert_eq!(read.description, "one\ntwo");
    }

    #[test]
    fn everything_wrong_in_a_row_is_told_at_once_and_a_chosen_meaning_helps() {
        let headers = ["Title", "Type", "State", "Assignee", "Points", "Due"];
        let table = table(&headers, &[&["", "Spike", "Blocked", "Bob", "1.5", "tomorrow"]]);
        let mut mapping = Mapping::guess(&table.headers);
        let people = [ada()];
        let wrong = Reader::new(&table, &mapping, &people).read(0).unwrap_err();
        let columns: Vec<Column> = wrong.iter().map(|error| error.column).collect();
        assert_eq!(
            columns,
            [
                Column::Title,
                Column::Kind,
                Column::State,
                Column::Assignee,
                Column::Points,
                Column::Due
            ]
        );
        assert!(wrong.iter().all(|error| error.row == 2));
        let unknown = Reader::new(&table, &mapping, &people).unknown();
        assert_eq!(unknown[&Column::Kind], BTreeSet::from([String::from("Spike")]));
        for (column, word, meaning) in [
            (Column::Kind, "spike", Meaning::Kind(ItemKind::Task)),
            (Column::State, "blocked", Meaning::State(Category::Todo)),
            (Column::Assignee, "bob", Meaning::Nothing),
        ] {
            mapping
                .words
                .entry(column)
                .or_default()
                .insert(word.to_owned(), meaning);
        }
        let wrong = Reader::new(&table, &mapping, &people).read(0).unwrap_err();
        assert_eq!(wrong.len(), 3);
        assert_eq!(
            Reader::new(&table, &mapping, &people).unknown().len(),
            3,
            "what was chosen can be chosen anew"
        );
    }

    #[test]
    fn days_are_read_as_files_write_them() {
        for (cell, day) in [
            ("2026-11-21", Some("2026-11-21")),
            ("2026-11-21 08:00:00 UTC", Some("2026-11-21")),
            ("2026/1/5", Some("2026-01-05")),
            ("05/Jan/26", Some("2026-01-05")),
            ("2026-02-30", None),
            ("01/02/2026", None),
            ("soon", None),
        ] {
            assert_eq!(day_of(cell).as_deref(), day, "{cell}");
        }
    }

    proptest! {
        #[test]
        fn what_was_exported_reads_as_it_was(title in "[=+@\\-a-z\"（＝][=+@\\-'a-z\"（＝]{0,11}") {
            let written = csv_cell(&title);
            // What a reader of CSV takes away before.
            let cell = match written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(inner) => inner.replace("\"\"", "\""),
                None => written,
            };
            prop_assert_eq!(plain_cell(&cell), title.as_str());
        }

        #[test]
        fn a_second_look_knows_every_row_by_the_same_key(rows in proptest::collection::vec(("[a-c]{0,2}", "[a-c]{1,3}"), 0..20)) {
            let cells: Vec<Vec<String>> = rows.iter().map(|(key, title)| vec![key.clone(), title.clone()]).collect();
            let table = Table { headers: vec![String::from("key"), String::from("title")], rows: cells };
            let mapping = Mapping::guess(&table.headers);
            let keys = |_| {
                let mut reader = Reader::new(&table, &mapping, &[]);
                (0..table.rows.len()).map(|row| reader.read(row).unwrap().key).collect::<Vec<_>>()
            };
            let (first, second) = (keys(1), keys(2));
            let distinct: BTreeSet<&String> = first.iter().collect();
            prop_assert_eq!(distinct.len(), first.len());
            prop_assert_eq!(&first, &second);
        }
    }
}
