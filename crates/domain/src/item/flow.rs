//! Workflows: the states of a kind of work, the transitions between them, and what a transition asks for.

use super::{Category, Content, Field, ItemKind, ItemState, STATE_NAME_MAX, StateKey};
use crate::access::{Role, ScopeKind};
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// The most states of a workflow.
pub const STATES_MOST: usize = 20;

/// A way from one state to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// From where.
    pub from: StateKey,
    /// To where.
    pub to: StateKey,
    /// Who may take it: whoever holds one of these roles, or one that can do all that one of these can. Empty: whoever
    /// may move the item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// What must be filled for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

impl Transition {
    /// A way that asks for nothing.
    pub const fn free(from: StateKey, to: StateKey) -> Self {
        Self {
            from,
            to,
            roles: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// The roles that a transition can ask for.
    pub fn roles_of_choice() -> impl Iterator<Item = Role> {
        Role::ALL
            .iter()
            .copied()
            .filter(|role| role.scope() == ScopeKind::Project && *role != Role::ProjectViewer)
    }

    /// Which of the fields that it asks for the content leaves empty.
    pub fn missing(&self, content: &Content) -> Vec<Field> {
        let empty = |field: &Field| content.get(*field).key.is_empty();
        self.fields.iter().copied().filter(empty).collect()
    }
}

/// The states of a kind of work, and the transitions between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// The states, in the order in which people see them; new items stand in the first one.
    pub states: Vec<ItemState>,
    /// The allowed transitions; of two into the same column, the first one is taken.
    pub transitions: Vec<Transition>,
}

use StateKey as K;

const WORK: (&[K], &[(K, K)]) = (
    &[K::PENDING, K::IN_PROGRESS, K::IN_TEST, K::DONE, K::WONT_FIX],
    &[
        (K::PENDING, K::IN_PROGRESS),
        (K::IN_PROGRESS, K::IN_TEST),
        (K::IN_TEST, K::DONE),
        (K::IN_PROGRESS, K::DONE),
        (K::IN_PROGRESS, K::PENDING),
        (K::IN_TEST, K::IN_PROGRESS),
        (K::DONE, K::IN_PROGRESS),
        (K::PENDING, K::WONT_FIX),
        (K::IN_PROGRESS, K::WONT_FIX),
        (K::WONT_FIX, K::PENDING),
    ],
);

const BUG: (&[K], &[(K, K)]) = (
    &[
        K::PENDING,
        K::IN_PROGRESS,
        K::RESOLVED,
        K::CLOSED,
        K::WONT_FIX,
        K::DUPLICATE,
        K::REOPENED,
    ],
    &[
        (K::PENDING, K::IN_PROGRESS),
        (K::REOPENED, K::IN_PROGRESS),
        (K::IN_PROGRESS, K::RESOLVED),
        (K::IN_PROGRESS, K::PENDING),
        (K::RESOLVED, K::CLOSED),
        (K::RESOLVED, K::REOPENED),
        (K::CLOSED, K::REOPENED),
        (K::PENDING, K::WONT_FIX),
        (K::IN_PROGRESS, K::WONT_FIX),
        (K::REOPENED, K::WONT_FIX),
        (K::PENDING, K::DUPLICATE),
        (K::IN_PROGRESS, K::DUPLICATE),
        (K::WONT_FIX, K::REOPENED),
        (K::DUPLICATE, K::REOPENED),
    ],
);

impl ItemKind {
    /// The workflow that projects begin with (`boards.md` of the design).
    pub fn default_workflow(self) -> Workflow {
        let (states, transitions) = match self {
            Self::Bug => BUG,
            Self::Epic | Self::Requirement | Self::Task => WORK,
        };
        Workflow {
            states: states.iter().cloned().map(ItemState::known).collect(),
            transitions: transitions
                .iter()
                .cloned()
                .map(|(from, to)| Transition::free(from, to))
                .collect(),
        }
    }

    /// Whether a step closes or reopens a bug, which is not everybody's who may move it (`access.md` of the design):
    /// into what is done, or back to what is to do from where somebody had looked at it.
    pub fn closes_or_reopens(self, from: Category, to: Category) -> bool {
        let closes = to == Category::Done && from != to;
        let reopens = to == Category::Todo && !matches!(from, Category::Todo | Category::InProgress);
        self == Self::Bug && (closes || reopens)
    }
}

impl Workflow {
    /// The state of that key.
    pub fn state(&self, key: &StateKey) -> Option<&ItemState> {
        self.states.iter().find(|state| state.state_key() == key)
    }

    /// Where new items stand.
    ///
    /// # Panics
    /// Never for a workflow that was [checked](Self::wrong): it has states.
    pub fn first(&self) -> ItemState {
        self.states
            .first()
            .cloned()
            .unwrap_or_else(|| ItemState::known(StateKey::PENDING))
    }

    /// The way from one state to another.
    pub fn transition(&self, from: &StateKey, to: &StateKey) -> Option<&Transition> {
        self.transitions
            .iter()
            .find(|way| way.from == *from && way.to == *to)
    }

    /// The ways that lead on from a state, each with where it leads.
    pub fn next<'a>(&'a self, from: &'a StateKey) -> impl Iterator<Item = (&'a Transition, &'a ItemState)> {
        self.transitions
            .iter()
            .filter(move |way| way.from == *from)
            .filter_map(|way| Some((way, self.state(&way.to)?)))
    }

    /// Where the shortest walk along transitions that ask for nothing gets from a state into a category; the state itself
    /// where it counts so. `None`: nothing leads there.
    pub fn walk(&self, from: &StateKey, to: Category) -> Option<ItemState> {
        let mut seen = vec![from];
        let mut at = 0;
        while let Some(key) = seen.get(at).copied() {
            let state = self.state(key)?;
            if state.category() == to {
                return Some(state.clone());
            }
            for (way, _) in self.next(key) {
                if way.roles.is_empty() && way.fields.is_empty() && !seen.contains(&&way.to) {
                    seen.push(&way.to);
                }
            }
            at += 1;
        }
        None
    }

    /// Whether anything leads to the state, or new items stand there.
    pub fn is_reached(&self, key: &StateKey) -> bool {
        self.states.first().is_some_and(|first| first.state_key() == key)
            || self.transitions.iter().any(|way| way.to == *key)
    }

    /// What keeps it from being a workflow.
    pub fn wrong(&self) -> Option<Text> {
        let states = &self.states;
        if states.is_empty() || states.len() > STATES_MOST {
            return Some(Text::new("use 1 to 20 states", "状态数应为 1 到 20 个"));
        }
        for (at, state) in states.iter().enumerate() {
            if states[..at]
                .iter()
                .any(|other| other.state_key() == state.state_key())
            {
                let key = state.key();
                return Some(Text::new(
                    format!("the key “{key}” stands for two states; give each its own"),
                    format!("编号“{key}”重复，请为每个状态使用不同的编号"),
                ));
            }
            let name = state.text();
            let fits = |name: &str| {
                !name.trim().is_empty()
                    && name.chars().count() <= STATE_NAME_MAX
                    && !name.chars().any(char::is_control)
            };
            if !fits(&name.en) || !fits(&name.zh) {
                return Some(Text::new(
                    "give each state a name of at most 40 characters",
                    "请为每个状态填写名称，最多 40 个字符",
                ));
            }
            if StateKey::parse(state.key()).is_none() {
                return Some(Text::new(
                    "a key has 1 to 24 of a-z, 0-9 and _",
                    "编号只能包含 a-z、0-9 和 _，共 1 到 24 个字符",
                ));
            }
        }
        if self.first().category() != Category::Todo {
            return Some(Text::new(
                "the first state is where new items stand: it counts as “To do”",
                "第一个状态用于新事项，类别必须是“待办”",
            ));
        }
        if states.iter().all(|state| state.category() != Category::Done) {
            return Some(Text::new(
                "keep a state that counts as “Done”: nothing could be finished without one",
                "至少保留一个类别为“已完成”的状态，否则事项无法完成",
            ));
        }
        self.wrong_ways()
    }

    fn wrong_ways(&self) -> Option<Text> {
        for (at, way) in self.transitions.iter().enumerate() {
            if self.state(&way.from).is_none() || self.state(&way.to).is_none() || way.from == way.to {
                return Some(Text::new(
                    format!(
                        "a transition leads from “{}” to “{}”: use two states of this workflow",
                        way.from, way.to
                    ),
                    format!("流转“{}”→“{}”必须连接此流程中的两个不同状态", way.from, way.to),
                ));
            }
            if self.transitions[..at]
                .iter()
                .any(|other| other.from == way.from && other.to == way.to)
            {
                return Some(Text::new(
                    format!(
                        "the transition from “{}” to “{}” is there twice",
                        way.from, way.to
                    ),
                    format!("流转“{}”→“{}”重复", way.from, way.to),
                ));
            }
            if way
                .roles
                .iter()
                .any(|role| Transition::roles_of_choice().all(|other| other != *role))
            {
                return Some(Text::new(
                    "a transition asks for roles of a project",
                    "流转只能要求项目角色",
                ));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_default_workflow_can_be_reached_and_left() {
        for kind in ItemKind::ALL {
            let flow = kind.default_workflow();
            assert_eq!(flow.wrong(), None);
            for state in &flow.states {
                let key = state.state_key();
                assert!(
                    flow.is_reached(key) && flow.next(key).next().is_some(),
                    "{} {key}",
                    kind.key()
                );
            }
        }
    }

    #[test]
    fn bugs_are_closed_and_reopened_by_rule_whatever_the_states_are_called() {
        let flow = ItemKind::Bug.default_workflow();
        let closing: Vec<(&str, &str)> = flow
            .transitions
            .iter()
            .filter(|way| {
                let of = |key| flow.state(key).unwrap().category();
                ItemKind::Bug.closes_or_reopens(of(&way.from), of(&way.to))
            })
            .map(|way| (way.from.as_str(), way.to.as_str()))
            .collect();
        assert_eq!(
            closing,
            [
                ("resolved", "closed"),
                ("resolved", "reopened"),
                ("closed", "reopened"),
                ("wont_fix", "reopened"),
                ("duplicate", "reopened")
            ]
        );
        assert!(!ItemKind::Task.closes_or_reopens(Category::InTest, Category::Done));
    }

    #[test]
    fn a_walk_takes_no_transition_that_asks_for_something() {
        let mut flow = ItemKind::Epic.default_workflow();
        let to = |flow: &Workflow, category| {
            flow.walk(&StateKey::PENDING, category)
                .map(|state| state.key().to_owned())
        };
        assert_eq!(to(&flow, Category::Done).as_deref(), Some("done"));
        assert_eq!(to(&flow, Category::Todo).as_deref(), Some("pending"));
        for way in &mut flow.transitions {
            if way.to == StateKey::DONE {
                way.fields.push(Field::Assignee);
            }
        }
        assert_eq!(to(&flow, Category::Done), None);
    }

    #[test]
    fn a_workflow_without_an_end_or_with_loose_ends_is_refused() {
        let whole = ItemKind::Task.default_workflow();
        let without = |key: StateKey| {
            let mut flow = whole.clone();
            flow.states.retain(|state| *state.state_key() != key);
            flow.transitions.retain(|way| way.from != key && way.to != key);
            flow.wrong()
        };
        assert!(without(StateKey::DONE).is_some_and(|why| why.en.contains("Done")));
        assert!(without(StateKey::PENDING).is_some_and(|why| why.en.contains("first")));
        assert_eq!(without(StateKey::IN_TEST), None);
        let mut loose = whole.clone();
        loose
            .states
            .retain(|state| *state.state_key() != StateKey::IN_TEST);
        assert!(loose.wrong().is_some());
        let mut twice = whole.clone();
        twice.transitions.push(whole.transitions[0].clone());
        assert!(twice.wrong().is_some());
        let mut doubled = whole;
        doubled.states.push(doubled.states[0].clone());
        assert!(doubled.wrong().is_some());
    }
}
