//! The table of work items, and saved views: what of a page is shown, under a name.

use crate::id::{AppId, IterationId, SavedViewId, TypedId, UserId};
use crate::item::{Card, ItemChoices, ItemKind, Priority, keyed};
use crate::person::PersonRef;
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

keyed! {
    /// A column of the table.
    Column {
        Key = "key", "Key", "编号";
        Title = "title", "Title", "标题";
        Kind = "kind", "Type", "类型";
        State = "state", "State", "状态";
        Priority = "priority", "Priority", "优先级";
        Severity = "severity", "Severity", "严重程度";
        Assignee = "assignee", "Assignee", "处理人";
        Iteration = "iteration", "Iteration", "迭代";
        App = "app", "App", "应用";
        Points = "points", "Estimate", "估算";
        Due = "due", "Due", "截止日期";
        Labels = "labels", "Labels", "标签";
        Created = "created", "Created", "创建时间";
        Updated = "updated", "Changed", "更新时间";
    }
}

impl Column {
    /// Those that are shown where nothing else is chosen, besides key and title, which always are.
    pub const USUAL: [Self; 7] = [
        Self::Kind,
        Self::State,
        Self::Priority,
        Self::Assignee,
        Self::Iteration,
        Self::Due,
        Self::Updated,
    ];

    /// Whether the table can be sorted by it.
    pub const fn sorts(self) -> bool {
        !matches!(self, Self::Labels)
    }
}

keyed! {
    /// When what is shown is due.
    Due {
        Overdue = "overdue", "Overdue", "已逾期";
        Week = "week", "Within a week", "一周内";
        Unset = "none", "No due day", "未设置";
    }
}

keyed! {
    /// A page that has saved views.
    ViewPage {
        Board = "board", "Board", "看板";
        Backlog = "backlog", "Backlog", "待办列表";
        Table = "table", "Table", "表格";
        Bugs = "bugs", "Bugs", "缺陷";
    }
}

/// What of the items a table shows, and how. It is written into the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableQuery {
    /// Only of this kind.
    pub kind: Option<ItemKind>,
    /// Only of this person.
    pub assignee: Option<UserId>,
    /// Only of this priority.
    pub priority: Option<Priority>,
    /// Only of this iteration.
    pub iteration: Option<IterationId>,
    /// Only about this app.
    pub app: Option<AppId>,
    /// Only due so.
    pub due: Option<Due>,
    /// Also what is over.
    pub all: bool,
    /// Only with this label.
    pub label: String,
    /// Only with this in the title, or with this key.
    pub words: String,
    /// By which column; `None`: by when they were changed, the newest first.
    pub sort: Option<Column>,
    /// Whether from the end.
    pub descending: bool,
    /// The columns besides key and title; empty: the usual ones.
    pub columns: Vec<Column>,
}

/// `%41` and `+` as they stand in an address.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = &after[2..];
            }
            (b'+', ..) => {
                bytes.push(b' ');
                rest = after;
            }
            (other, ..) => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Pairs as they stand in an address; those without a value are left out.
pub(crate) fn query_of<const N: usize>(pairs: [(&str, Option<String>); N]) -> String {
    let pairs: Vec<String> = pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .map(|(name, value)| format!("{name}={}", encoded(&value)))
        .collect();
    pairs.join("&")
}

/// The pairs of an address's query, read.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn id<I: TypedId>(text: &str) -> Option<I> {
    uuid::Uuid::parse_str(text).ok().map(I::from_uuid)
}

impl TableQuery {
    /// Reads what stands in an address; what means nothing is left out.
    pub fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in pairs(query) {
            match name.as_str() {
                "kind" => asked.kind = ItemKind::from_key(&value),
                "assignee" => asked.assignee = id(&value),
                "priority" => asked.priority = Priority::from_key(&value),
                "iteration" => asked.iteration = id(&value),
                "app" => asked.app = id(&value),
                "due" => asked.due = Due::from_key(&value),
                "all" => asked.all = value == "true",
                "label" => value.trim().clone_into(&mut asked.label),
                "words" => value.trim().clone_into(&mut asked.words),
                "sort" => {
                    asked.descending = value.starts_with('-');
                    asked.sort =
                        Column::from_key(value.trim_start_matches('-')).filter(|column| column.sorts());
                }
                // Boxes of a form, or a list.
                "columns" => {
                    for column in value.split(',').filter_map(Column::from_key) {
                        if !asked.columns.contains(&column) {
                            asked.columns.push(column);
                        }
                    }
                }
                _ => {}
            }
        }
        if asked.sort.is_none() {
            asked.descending = false;
        }
        asked
    }

    /// As it stands in an address.
    pub fn written(&self) -> String {
        let mut all: Vec<(&str, String)> = Vec::new();
        let mut add = |name, value: Option<String>| all.extend(value.map(|value| (name, value)));
        add("kind", self.kind.map(|kind| kind.key().to_owned()));
        add("assignee", self.assignee.map(|id| id.to_string()));
        add(
            "priority",
            self.priority.map(|priority| priority.key().to_owned()),
        );
        add("iteration", self.iteration.map(|id| id.to_string()));
        add("app", self.app.map(|id| id.to_string()));
        add("due", self.due.map(|due| due.key().to_owned()));
        add("all", self.all.then(|| String::from("true")));
        add("label", (!self.label.is_empty()).then(|| self.label.clone()));
        add("words", (!self.words.is_empty()).then(|| self.words.clone()));
        let sign = if self.descending { "-" } else { "" };
        add("sort", self.sort.map(|sort| format!("{sign}{}", sort.key())));
        let columns: Vec<&str> = self.columns.iter().map(|column| column.key()).collect();
        add("columns", (!columns.is_empty()).then(|| columns.join(",")));
        let pairs: Vec<String> = all
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        pairs.join("&")
    }

    /// The columns that are shown besides key and title.
    pub fn shown(&self) -> Vec<Column> {
        if self.columns.is_empty() {
            Column::USUAL.to_vec()
        } else {
            self.columns.clone()
        }
    }

    /// By what it is sorted, and whether from the end.
    pub fn order(&self) -> (Column, bool) {
        self.sort
            .map_or((Column::Updated, true), |sort| (sort, self.descending))
    }

    /// The same sorted by `column`: from the other end where it is sorted by it already.
    #[must_use]
    pub fn sorted_by(&self, column: Column) -> Self {
        let (sort, descending) = self.order();
        Self {
            sort: Some(column),
            descending: sort == column && !descending,
            ..self.clone()
        }
    }
}

/// Where a page of a table ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCursor {
    /// What its last item was sorted by.
    pub value: String,
    /// The item's number.
    pub number: i64,
}

impl TableCursor {
    /// As it stands in an address.
    pub fn written(&self) -> String {
        format!("{}.{}", encoded(&self.value).replace('.', "%2E"), self.number)
    }

    /// Reads what stands in an address.
    pub fn read(text: &str) -> Option<Self> {
        let (value, number) = text.rsplit_once('.')?;
        Some(Self {
            value: decoded(value),
            number: number.parse().ok()?,
        })
    }
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRow {
    /// The item.
    pub card: Card,
    /// The iteration it is planned for.
    pub iteration: Option<String>,
    /// The app it is about.
    pub app: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What the table's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableView {
    /// Where.
    pub place: Place,
    /// What is shown.
    pub asked: TableQuery,
    /// The rows.
    pub rows: Vec<TableRow>,
    /// Where the next page begins; `None`: this is the last.
    pub next: Option<String>,
    /// What items can be tied to: the choices of the filter and of what becomes of the chosen ones.
    pub choices: ItemChoices,
    /// Today, `YYYY-MM-DD`, as due days count: in UTC.
    pub today: String,
    /// The views of this page.
    pub views: Vec<SavedView>,
    /// Whether the reader may edit any item.
    pub may_edit: bool,
    /// Whether the reader may share views.
    pub may_share: bool,
}

/// The longest name of a view, in characters.
pub const VIEW_NAME_MAX: usize = 60;
/// The longest query of a view, in bytes.
pub const VIEW_QUERY_MAX: usize = 2000;
/// The most views that one person keeps on a page of a project.
pub const VIEWS_MOST: i64 = 50;

/// What of a page is shown, under a name.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// Which.
    pub id: SavedViewId,
    /// Of which page.
    pub page: ViewPage,
    /// What it is called.
    pub name: String,
    /// What stands in the address behind `?`.
    pub query: String,
    /// Whether everybody in the project has it.
    pub shared: bool,
    /// Whether the page opens with it, for whoever has it and no other one of their own.
    pub is_default: bool,
    /// Who made it.
    pub owner: PersonRef,
    /// Whether it is the reader's own.
    pub mine: bool,
    /// Whether the reader may change it.
    pub may_edit: bool,
    /// Grows with every change.
    pub version: i64,
}

impl SavedView {
    /// The view that a page opens with: one of the reader's own goes before a shared one.
    pub fn default_of(views: &[Self]) -> Option<&Self> {
        let own = views.iter().find(|view| view.is_default && !view.shared);
        own.or_else(|| views.iter().find(|view| view.is_default))
    }

    /// What is wrong with a name and a query, and which of both it is.
    pub fn wrong(name: &str, query: &str) -> Option<(&'static str, Text)> {
        if name.is_empty() || name.chars().count() > VIEW_NAME_MAX {
            let text = Text::new("use a name of 1 to 60 characters", "请填写名称，最多 60 个字符");
            return Some(("name", text));
        }
        let fits = query.len() <= VIEW_QUERY_MAX
            && query
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.~,%=&+!*'()".contains(&b));
        (!fits).then(|| {
            let text = Text::new("this is no part of an address", "这不是有效的地址参数");
            ("query", text)
        })
    }

    /// Whether an address says nothing about what is shown: then a page shows what its default view has. `view=all` says
    /// that everything is.
    pub fn asks_for_nothing(query: &str) -> bool {
        Self::kept(query).is_empty() && pairs(query).iter().all(|(name, _)| name != "view")
    }

    /// What a view keeps of an address: no page of it, no item that is open in it.
    pub fn kept(query: &str) -> String {
        let kept: Vec<&str> = query
            .trim_start_matches('?')
            .split('&')
            .filter(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                !name.is_empty() && !value.is_empty() && !matches!(name, "after" | "item" | "view")
            })
            .collect();
        kept.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn query()(
            kind in proptest::option::of(proptest::sample::select(ItemKind::ALL)),
            priority in proptest::option::of(proptest::sample::select(Priority::ALL)),
            due in proptest::option::of(proptest::sample::select(Due::ALL)),
            ids in (proptest::option::of(1..9_u128), proptest::option::of(1..9_u128), proptest::option::of(1..9_u128)),
            all in any::<bool>(),
            words in ("[a-z&=%+ 退]{0,6}", "[a-z.,]{0,6}"),
            sort in proptest::option::of((proptest::sample::select(Column::ALL), any::<bool>())),
            columns in proptest::sample::subsequence(Column::ALL.to_vec(), 0..6),
        ) -> TableQuery {
            let uuid = uuid::Uuid::from_u128;
            let sort = sort.filter(|(column, _)| column.sorts());
            TableQuery {
                kind,
                assignee: ids.0.map(|n| UserId::from_uuid(uuid(n))),
                priority,
                iteration: ids.1.map(|n| IterationId::from_uuid(uuid(n))),
                app: ids.2.map(|n| AppId::from_uuid(uuid(n))),
                due,
                all,
                label: words.0.trim().to_owned(),
                words: words.1,
                sort: sort.map(|(column, _)| column),
                descending: sort.is_some_and(|(_, descending)| descending),
                columns,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_survives_the_address(asked in query()) {
            prop_assert_eq!(TableQuery::read(&asked.written()), asked.clone());
            prop_assert_eq!(SavedView::wrong("x", &asked.written()), None);
            prop_assert_eq!(SavedView::kept(&asked.written()), asked.written());
        }

        #[test]
        fn no_address_breaks_it(text in "\\PC{0,40}", value in "\\PC{0,12}", number in 0..99_i64) {
            let _ = TableQuery::read(&text);
            let cursor = TableCursor { value, number };
            prop_assert_eq!(TableCursor::read(&cursor.written()), Some(cursor));
        }
    }

    #[test]
    fn a_view_keeps_no_page_and_no_open_item() {
        assert_eq!(
            SavedView::kept("?kind=bug&after=x.1&item=CHK-1&label="),
            "kind=bug"
        );
        assert!(SavedView::asks_for_nothing("after=x.1&label=") && !SavedView::asks_for_nothing("view=all"));
        assert!(SavedView::wrong("a", "kind=\"><script>").is_some());
        assert!(SavedView::wrong("", "").is_some());
    }

    #[test]
    fn ones_own_default_goes_before_a_shared_one() {
        let view = |n: u128, shared, is_default| SavedView {
            id: SavedViewId::from_uuid(uuid::Uuid::from_u128(n)),
            page: ViewPage::Table,
            name: String::new(),
            query: String::new(),
            shared,
            is_default,
            owner: PersonRef {
                id: UserId::from_uuid(uuid::Uuid::nil()),
                username: String::new(),
                name: String::new(),
            },
            mine: !shared,
            may_edit: true,
            version: 1,
        };
        let (shared, own, plain) = (view(1, true, true), view(2, false, true), view(3, false, false));
        assert_eq!(SavedView::default_of(&[shared.clone(), own.clone()]), Some(&own));
        assert_eq!(
            SavedView::default_of(&[plain.clone(), shared.clone()]),
            Some(&shared)
        );
        assert_eq!(SavedView::default_of(&[plain]), None);
    }
}
