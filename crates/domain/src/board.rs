//! How a project's board is set up: its workflows, its columns with their limits, and its switches.

use crate::id::ItemTemplateId;
use crate::item::{Category, Color, ItemKind, ItemState, StateKey, Transition, Workflow};
use crate::project::Place;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most columns of a board.
pub const COLUMNS_MOST: usize = 12;
/// The highest limit of a column.
pub const LIMIT_MOST: i64 = 999;

/// What a column is known by: 1 to 24 of `a-z0-9_`. The columns that boards begin with are called as their categories.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnKey(StateKey);

impl ColumnKey {
    /// A key as people or programs write it.
    pub fn parse(text: &str) -> Option<Self> {
        StateKey::parse(text).map(Self)
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<Category> for ColumnKey {
    fn from(category: Category) -> Self {
        Self(StateKey::of_category(category))
    }
}

/// How many cards a column is meant to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// At most so many.
    pub most: i64,
    /// Whether another card is refused; else the board only says so.
    pub blocks: bool,
}

/// A column as it is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSetup {
    /// Which.
    pub key: ColumnKey,
    /// What it is called.
    pub name: Text,
    /// What it counts as; without states of its own it holds whatever counts so and no other column names.
    pub category: Category,
    /// The states that stand in it, of whichever kind of work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<StateKey>,
    /// How many cards it is meant to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

/// How a project's board is set up. What is not stored is as projects begin with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardSetup {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    flows: BTreeMap<ItemKind, Workflow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<ColumnSetup>,
    /// Whether an item follows its parts: it starts when the first of them does, and is done when all of them are.
    #[serde(default)]
    pub parent_follows: bool,
}

/// A change of how a board is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupEdit {
    /// A whole workflow; `moves` says where the items of states go that it has no more.
    Workflow {
        /// Of which kind.
        kind: ItemKind,
        /// The new one.
        flow: Workflow,
        /// From a state that is gone to one that is there.
        moves: Vec<(StateKey, StateKey)>,
    },
    /// A state, new where there is no key.
    State {
        /// Of which kind.
        kind: ItemKind,
        /// Which.
        key: Option<StateKey>,
        /// Its name; where one language is empty, it is as in the other.
        name: Text,
        /// What it counts as.
        category: Category,
        /// Its color; `None`: that of its category.
        color: Option<Color>,
    },
    /// A state one place up.
    StateUp {
        /// Of which kind.
        kind: ItemKind,
        /// Which.
        key: StateKey,
    },
    /// A state goes, with its transitions, and its items go to `to`.
    RemoveState {
        /// Of which kind.
        kind: ItemKind,
        /// Which.
        key: StateKey,
        /// Where its items go.
        to: StateKey,
    },
    /// A transition, new where there is none between the two.
    Transition {
        /// Of which kind.
        kind: ItemKind,
        /// The transition.
        way: Transition,
    },
    /// A transition goes.
    RemoveTransition {
        /// Of which kind.
        kind: ItemKind,
        /// From where.
        from: StateKey,
        /// To where.
        to: StateKey,
    },
    /// All columns and switches.
    Board {
        /// The columns.
        columns: Vec<ColumnSetup>,
        /// Whether an item follows its parts.
        parent_follows: bool,
    },
    /// A column, new where there is no key.
    Column {
        /// Which.
        key: Option<ColumnKey>,
        /// Its name; where one language is empty, it is as in the other.
        name: Text,
        /// What it counts as.
        category: Category,
        /// Its states.
        states: Vec<StateKey>,
        /// How many cards it is meant to hold.
        limit: Option<Limit>,
    },
    /// A column one place to the left.
    ColumnUp(ColumnKey),
    /// A column goes.
    RemoveColumn(ColumnKey),
    /// Whether an item follows its parts.
    ParentFollows(bool),
}

/// Of a kind, from a state that is there no more to one that is.
pub type StateMove = (ItemKind, StateKey, StateKey);

/// Where the items of states go that are there no more.
pub type StateMoves = Vec<StateMove>;

/// What keeps a change of the setup from being made, and the field that it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {}", text.en)]
pub struct WrongSetup {
    /// The field of the form.
    pub field: &'static str,
    /// In words.
    pub text: Text,
}

fn wrong(field: &'static str, en: &str, zh: &str) -> WrongSetup {
    WrongSetup {
        field,
        text: Text::new(en, zh),
    }
}

/// A name in both languages: what is empty is as in the other one.
fn both(name: &Text) -> Text {
    let tidy = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (en, zh) = (tidy(&name.en), tidy(&name.zh));
    let or = |one: &str, other: &str| {
        if one.is_empty() {
            other.to_owned()
        } else {
            one.to_owned()
        }
    };
    Text::new(or(&en, &zh), or(&zh, &en))
}

impl BoardSetup {
    /// The workflow of a kind of work.
    pub fn flow(&self, kind: ItemKind) -> Workflow {
        self.flows
            .get(&kind)
            .cloned()
            .unwrap_or_else(|| kind.default_workflow())
    }

    /// Whether the workflow of a kind is another one than projects begin with.
    pub fn has_own(&self, kind: ItemKind) -> bool {
        self.flows.contains_key(&kind)
    }

    /// The columns, from the left.
    pub fn columns(&self) -> Vec<ColumnSetup> {
        if !self.columns.is_empty() {
            return self.columns.clone();
        }
        let of = |category: &Category| ColumnSetup {
            key: (*category).into(),
            name: category.text(),
            category: *category,
            states: Vec::new(),
            limit: None,
        };
        Category::ALL.iter().map(of).collect()
    }

    /// The column of that key.
    pub fn column(&self, key: &ColumnKey) -> Option<ColumnSetup> {
        self.columns().into_iter().find(|column| column.key == *key)
    }

    /// The column that a state stands in: the one that names it, else the first one of its category that names none.
    pub fn column_of<'a>(columns: &'a [ColumnSetup], state: &ItemState) -> Option<&'a ColumnSetup> {
        columns
            .iter()
            .find(|column| column.states.contains(state.state_key()))
            .or_else(|| {
                columns
                    .iter()
                    .find(|column| column.states.is_empty() && column.category == state.category())
            })
    }

    /// Where an item of `kind` in `state` gets by being moved to a column: where it stands there already, nowhere else;
    /// else along the first transition that leads there. `None`: no transition does.
    pub fn into_column(
        &self,
        kind: ItemKind,
        state: &ItemState,
        to: &ColumnKey,
    ) -> Option<(ItemState, Option<Transition>)> {
        let columns = self.columns();
        let stands =
            |state: &ItemState| Self::column_of(&columns, state).is_some_and(|column| column.key == *to);
        if stands(state) {
            return Some((state.clone(), None));
        }
        let flow = self.flow(kind);
        let mut next = flow.next(state.state_key());
        next.find(|(_, into)| stands(into))
            .map(|(way, into)| (into.clone(), Some(way.clone())))
    }

    /// The setup after `edit`, and where the items of states go that are there no more.
    ///
    /// # Errors
    /// [`WrongSetup`] for what could not work.
    pub fn edited(&self, edit: SetupEdit) -> Result<(Self, StateMoves), WrongSetup> {
        let mut setup = self.clone();
        let mut moves = Vec::new();
        match edit {
            SetupEdit::Board {
                columns,
                parent_follows,
            } => {
                setup.columns = columns;
                setup.parent_follows = parent_follows;
            }
            SetupEdit::Column { .. } | SetupEdit::ColumnUp(_) | SetupEdit::RemoveColumn(_) => {
                setup.edit_column(edit)?;
            }
            SetupEdit::ParentFollows(on) => setup.parent_follows = on,
            SetupEdit::Workflow {
                kind,
                flow,
                moves: to,
            } => {
                moves = to.into_iter().map(|(from, to)| (kind, from, to)).collect();
                setup.flows.insert(kind, flow);
            }
            SetupEdit::State { kind, .. }
            | SetupEdit::StateUp { kind, .. }
            | SetupEdit::RemoveState { kind, .. }
            | SetupEdit::Transition { kind, .. }
            | SetupEdit::RemoveTransition { kind, .. } => {
                let mut flow = setup.flow(kind);
                if let Some((from, to)) = edit_flow(&mut flow, edit)? {
                    moves.push((kind, from, to));
                }
                setup.flows.insert(kind, flow);
            }
        }
        setup.check(&moves)?;
        setup.flows.retain(|kind, flow| *flow != kind.default_workflow());
        Ok((setup, moves))
    }

    fn check(&mut self, moves: &[StateMove]) -> Result<(), WrongSetup> {
        for flow in self.flows.values_mut() {
            for state in &mut flow.states {
                let name = both(&state.text());
                *state = ItemState::new(state.state_key().clone(), state.category(), state.color(), name);
            }
            if let Some(text) = flow.wrong() {
                return Err(WrongSetup {
                    field: "states",
                    text,
                });
            }
        }
        for (kind, from, to) in moves {
            let flow = self.flow(*kind);
            if flow.state(to).is_none() || flow.state(from).is_some() {
                let text = "say where the items of the state go: to another one that stays";
                return Err(wrong("to", text, "请选择该状态中的事项移到哪个保留的状态"));
            }
        }
        if self.columns.len() > COLUMNS_MOST {
            return Err(wrong("columns", "use at most 12 columns", "最多 12 列"));
        }
        for at in 0..self.columns.len() {
            let (before, here) = self.columns.split_at_mut(at);
            let column = &mut here[0];
            column.name = both(&column.name);
            let fits = |name: &str| !name.is_empty() && name.chars().count() <= crate::item::STATE_NAME_MAX;
            if !fits(&column.name.en) || !fits(&column.name.zh) {
                let text = "give the column a name of at most 40 characters";
                return Err(wrong("name", text, "请填写列名，最多 40 个字符"));
            }
            if ColumnKey::parse(column.key.as_str()).is_none()
                || before.iter().any(|one| one.key == column.key)
            {
                let text = "give each column a key of its own, of a-z, 0-9 and _";
                return Err(wrong("key", text, "每列需要不同的编号，只能包含 a-z、0-9 和 _"));
            }
            if column
                .states
                .iter()
                .any(|state| before.iter().any(|one| one.states.contains(state)))
            {
                let text = "a state stands in one column: take it out of the other one first";
                return Err(wrong(
                    "states",
                    text,
                    "一个状态只能属于一列，请先将其从另一列移除",
                ));
            }
            if column
                .limit
                .is_some_and(|limit| !(1..=LIMIT_MOST).contains(&limit.most))
            {
                let text = "use a limit from 1 to 999, or none";
                return Err(wrong("limit", text, "上限应为 1 到 999，或留空"));
            }
        }
        Ok(())
    }

    fn edit_column(&mut self, edit: SetupEdit) -> Result<(), WrongSetup> {
        let mut columns = self.columns();
        let at = |columns: &[ColumnSetup], key: &ColumnKey| {
            columns
                .iter()
                .position(|column| column.key == *key)
                .ok_or_else(|| wrong("key", "this column is there no more", "此列已不存在"))
        };
        match edit {
            SetupEdit::Column {
                key,
                name,
                category,
                states,
                limit,
            } => {
                let name = both(&name);
                if let Some(key) = key {
                    let at = at(&columns, &key)?;
                    columns[at] = ColumnSetup {
                        key,
                        name,
                        category,
                        states,
                        limit,
                    };
                } else {
                    let taken: Vec<&StateKey> = columns.iter().map(|column| &column.key.0).collect();
                    let key = ColumnKey(StateKey::made_of(&name.en, &taken));
                    columns.push(ColumnSetup {
                        key,
                        name,
                        category,
                        states,
                        limit,
                    });
                }
            }
            SetupEdit::ColumnUp(key) => {
                let at = at(&columns, &key)?;
                columns.swap(at, at.saturating_sub(1));
            }
            SetupEdit::RemoveColumn(key) => {
                let at = at(&columns, &key)?;
                columns.remove(at);
                if columns.is_empty() {
                    return Err(wrong("key", "keep one column", "至少保留一列"));
                }
            }
            _ => {}
        }
        self.columns = columns;
        Ok(())
    }
}

/// Changes a workflow; where the items of a state go that is there no more.
fn edit_flow(flow: &mut Workflow, edit: SetupEdit) -> Result<Option<(StateKey, StateKey)>, WrongSetup> {
    let at = |flow: &Workflow, key: &StateKey| {
        flow.states
            .iter()
            .position(|state| state.state_key() == key)
            .ok_or_else(|| wrong("key", "this state is there no more", "此状态已不存在"))
    };
    match edit {
        SetupEdit::State {
            key,
            name,
            category,
            color,
            ..
        } => {
            let (name, color) = (both(&name), color.unwrap_or(category.color()));
            if name.en.is_empty() {
                return Err(wrong("name", "a name is needed", "请填写名称"));
            }
            if let Some(key) = key {
                let at = at(flow, &key)?;
                flow.states[at] = ItemState::new(key, category, color, name);
            } else {
                let taken: Vec<&StateKey> = flow.states.iter().map(ItemState::state_key).collect();
                let key = StateKey::made_of(&name.en, &taken);
                flow.states.push(ItemState::new(key, category, color, name));
            }
        }
        SetupEdit::StateUp { key, .. } => {
            let at = at(flow, &key)?;
            flow.states.swap(at, at.saturating_sub(1));
        }
        SetupEdit::RemoveState { key, to, .. } => {
            let at = at(flow, &key)?;
            flow.states.remove(at);
            flow.transitions.retain(|way| way.from != key && way.to != key);
            return Ok(Some((key, to)));
        }
        SetupEdit::Transition { way, .. } => {
            let same = |one: &&mut Transition| one.from == way.from && one.to == way.to;
            match flow.transitions.iter_mut().find(same) {
                Some(there) => *there = way,
                None => flow.transitions.push(way),
            }
        }
        SetupEdit::RemoveTransition { from, to, .. } => {
            let before = flow.transitions.len();
            flow.transitions.retain(|way| way.from != from || way.to != to);
            if flow.transitions.len() == before {
                return Err(wrong(
                    "from",
                    "this transition is there no more",
                    "此流转已不存在",
                ));
            }
        }
        _ => {}
    }
    Ok(None)
}

/// What becomes of the items in a state when a board is set up anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restate {
    /// Of which kind.
    pub kind: ItemKind,
    /// The state as it was.
    pub before: ItemState,
    /// The state as it is, or the one that its items go to.
    pub after: ItemState,
}

impl Restate {
    /// Whether it is a fact of the items' history: they stand in another state, or count as something else. Another
    /// name or color is none.
    pub fn is_history(&self) -> bool {
        self.before.state_key() != self.after.state_key() || self.before.category() != self.after.category()
    }
}

/// What becomes of the items between two setups; `moves` says where those of states go that are there no more. `Err`
/// has the states for which it does not say so.
///
/// # Errors
/// The kinds and states whose items would have nowhere to go.
pub fn restates(
    before: &BoardSetup,
    after: &BoardSetup,
    moves: &[StateMove],
) -> Result<Vec<Restate>, Vec<(ItemKind, ItemState)>> {
    let (mut found, mut homeless) = (Vec::new(), Vec::new());
    for kind in ItemKind::ALL {
        let (old, new) = (before.flow(*kind), after.flow(*kind));
        for state in old.states {
            let key = state.state_key();
            let to = moves
                .iter()
                .find(|(of, from, _)| of == kind && from == key)
                .map_or(key, |(_, _, to)| to);
            match new.state(to) {
                None => homeless.push((*kind, state)),
                Some(same) if *same == state => {}
                Some(other) => found.push(Restate {
                    kind: *kind,
                    after: other.clone(),
                    before: state,
                }),
            }
        }
    }
    if homeless.is_empty() {
        Ok(found)
    } else {
        Err(homeless)
    }
}

/// What becomes of an item that follows its parts: `None` where it stays. It starts when one of them has, is done when
/// all of them are over and one is done, and comes back when one does.
pub fn followed(whole: Category, parts: &[Category]) -> Option<Category> {
    let done = parts.contains(&Category::Done);
    let open = parts.iter().any(|part| !part.is_over());
    let started = done
        || parts
            .iter()
            .any(|part| matches!(part, Category::InProgress | Category::InTest));
    match (whole, open) {
        (Category::WontDo, _) | (Category::Done, false) | (Category::InProgress | Category::InTest, true) => {
            None
        }
        (Category::Done, true) => Some(Category::InProgress),
        (Category::Todo | Category::InProgress | Category::InTest, false) => done.then_some(Category::Done),
        (Category::Todo, true) => started.then_some(Category::InProgress),
    }
}

/// What the description of a new item can begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemTemplate {
    /// Which.
    pub id: ItemTemplateId,
    /// For which kind of work.
    pub kind: ItemKind,
    /// What it is called.
    pub name: String,
    /// Markdown.
    pub body: String,
    /// Grows with every change.
    pub version: i64,
}

/// The longest template, in characters.
pub const TEMPLATE_MAX: usize = 20_000;

impl ItemTemplate {
    /// What is wrong with a name and a text, and which of both it is.
    pub fn wrong(name: &str, body: &str) -> Option<WrongSetup> {
        if name.is_empty() || name.chars().count() > crate::item::STATE_NAME_MAX {
            return Some(wrong(
                "name",
                "use a name of 1 to 40 characters",
                "请填写名称，最多 40 个字符",
            ));
        }
        if body.trim().is_empty() || body.chars().count() > TEMPLATE_MAX {
            return Some(wrong(
                "body",
                "write 1 to 20,000 characters",
                "请填写内容，最多 20000 个字符",
            ));
        }
        None
    }
}

/// How many items stand in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCount {
    /// Of which kind.
    pub kind: ItemKind,
    /// In which state.
    pub state: StateKey,
    /// How many.
    pub items: i64,
}

/// What the pages of the setup show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardSetupView {
    /// Where.
    pub place: Place,
    /// The setup.
    pub setup: BoardSetup,
    /// Grows with every change; 0: nothing was ever changed.
    pub version: i64,
    /// How many items stand where.
    pub counts: Vec<StateCount>,
    /// What descriptions can begin with, by name.
    pub templates: Vec<ItemTemplate>,
    /// Whether the reader may change it.
    pub may_edit: bool,
}

#[cfg(test)]
mod tests;
