use super::*;
use proptest::prelude::*;

fn state(kind: ItemKind, key: Option<StateKey>, name: &str, category: Category) -> SetupEdit {
    SetupEdit::State {
        kind,
        key,
        name: Text::new(name, ""),
        category,
        color: None,
    }
}

fn edit() -> impl Strategy<Value = SetupEdit> {
    let key = || {
        proptest::sample::select(vec![
            "pending",
            "in_progress",
            "in_test",
            "done",
            "wont_fix",
            "a",
            "b",
        ])
        .prop_map(|key| StateKey::parse(key).unwrap())
    };
    let category = || proptest::sample::select(Category::ALL);
    let task = ItemKind::Task;
    prop_oneof![
        (proptest::option::of(key()), "[ab]", category())
            .prop_map(move |(key, name, category)| state(task, key, &name, category)),
        key().prop_map(move |key| SetupEdit::StateUp { kind: task, key }),
        (key(), key()).prop_map(move |(key, to)| SetupEdit::RemoveState { kind: task, key, to }),
        (key(), key()).prop_map(move |(from, to)| SetupEdit::Transition {
            kind: task,
            way: Transition::free(from, to)
        }),
        (key(), key()).prop_map(move |(from, to)| SetupEdit::RemoveTransition { kind: task, from, to }),
        (
            "[cd]",
            category(),
            proptest::collection::vec(key(), 0..2),
            proptest::option::of(0..3_i64)
        )
            .prop_map(|(name, category, states, most)| SetupEdit::Column {
                key: None,
                name: Text::new(name, ""),
                category,
                states,
                limit: most.map(|most| Limit { most, blocks: true }),
            }),
        category().prop_map(|category| SetupEdit::RemoveColumn(category.into())),
    ]
}

proptest! {
    #[test]
    fn whatever_is_edited_every_item_has_a_state_and_at_most_one_column(edits in proptest::collection::vec(edit(), 0..40)) {
        let mut setup = BoardSetup::default();
        let mut item = setup.flow(ItemKind::Task).first();
        for edit in edits {
            let Ok((after, moves)) = setup.edited(edit) else { continue };
            let Ok(changes) = restates(&setup, &after, &moves) else { continue };
            if let Some(change) = changes.iter().find(|one| one.kind == ItemKind::Task && one.before == item) {
                item = change.after.clone();
            }
            setup = after;
            let flow = setup.flow(ItemKind::Task);
            prop_assert_eq!(flow.wrong(), None);
            prop_assert_eq!(flow.state(item.state_key()), Some(&item));
            let columns = setup.columns();
            for state in &flow.states {
                let named = columns.iter().filter(|column| column.states.contains(state.state_key())).count();
                prop_assert!(named <= 1);
            }
            let json = serde_json::to_string(&setup).unwrap();
            prop_assert_eq!(&serde_json::from_str::<BoardSetup>(&json).unwrap(), &setup);
        }
    }
}

#[test]
fn a_card_gets_into_a_column_along_the_first_transition() {
    let setup = BoardSetup::default();
    let bug = |key: StateKey, to: Category| {
        let state = ItemState::known(key);
        setup
            .into_column(ItemKind::Bug, &state, &to.into())
            .map(|(state, _)| state.key().to_owned())
    };
    assert_eq!(
        bug(StateKey::PENDING, Category::Done),
        None,
        "it was never resolved"
    );
    assert_eq!(bug(StateKey::RESOLVED, Category::Done).as_deref(), Some("closed"));
    assert_eq!(
        bug(StateKey::RESOLVED, Category::InTest).as_deref(),
        Some("resolved")
    );
}

#[test]
fn an_item_follows_its_parts() {
    use Category::{Done, InProgress, InTest, Todo, WontDo};
    for (whole, parts, to) in [
        (Todo, vec![Todo, Todo], None),
        (Todo, vec![InProgress, Todo], Some(InProgress)),
        (Todo, vec![Done, Todo], Some(InProgress)),
        (InProgress, vec![Done, InTest], None),
        (InProgress, vec![Done, WontDo], Some(Done)),
        (Todo, vec![Done], Some(Done)),
        (InProgress, vec![WontDo, WontDo], None),
        (Done, vec![Done, Todo], Some(InProgress)),
        (Done, vec![Done, Done], None),
        (WontDo, vec![InProgress], None),
    ] {
        assert_eq!(followed(whole, &parts), to, "{whole:?} {parts:?}");
    }
}

#[test]
fn a_state_that_goes_needs_a_place_for_its_items() {
    let setup = BoardSetup::default();
    let mut flow = setup.flow(ItemKind::Task);
    flow.states
        .retain(|state| *state.state_key() != StateKey::IN_TEST);
    flow.transitions
        .retain(|way| way.from != StateKey::IN_TEST && way.to != StateKey::IN_TEST);
    let whole = |moves| SetupEdit::Workflow {
        kind: ItemKind::Task,
        flow: flow.clone(),
        moves,
    };
    let (after, moves) = setup.edited(whole(Vec::new())).unwrap();
    assert_eq!(
        restates(&setup, &after, &moves),
        Err(vec![(ItemKind::Task, ItemState::known(StateKey::IN_TEST))])
    );
    let (after, moves) = setup
        .edited(whole(vec![(StateKey::IN_TEST, StateKey::DONE)]))
        .unwrap();
    let changes = restates(&setup, &after, &moves).unwrap();
    assert_eq!(changes.len(), 1);
    assert!(changes[0].is_history() && changes[0].after.key() == "done");
    let renamed = state(
        ItemKind::Task,
        Some(StateKey::IN_TEST),
        "Review",
        Category::InTest,
    );
    let (after, moves) = setup.edited(renamed).unwrap();
    let changes = restates(&setup, &after, &moves).unwrap();
    assert!(
        changes.len() == 1 && !changes[0].is_history(),
        "a name is no history"
    );
}
