//! Two people edit, each on a side; syncs begin, die and repeat as webhooks and workers have it.

use super::*;
use proptest::prelude::*;

/// The fields that people type texts into.
const TEXTS: [MirrorField; 2] = [MirrorField::Title, MirrorField::Description];

#[derive(Clone, Debug)]
enum Step {
    /// Somebody types something new here, or in GitLab.
    Type { here: bool, field: usize },
    /// Somebody types on a side what the other one holds.
    Copy { here: bool, field: usize },
    /// Somebody puts a label on, or takes it away.
    Label { here: bool, label: u8 },
    /// A sync, for whatever reason: a webhook, twice, late, in another order; a change here; a look.
    Sync,
    /// A sync that dies before it wrote to GitLab.
    DiesIntending,
    /// A sync that dies after it wrote to GitLab, before it noted that.
    DiesWritten,
    /// A sync, while which somebody types here: what it noted is refused then.
    Crossed { field: usize },
    /// Somebody settles a conflict.
    Settle { ours: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 0..TEXTS.len()).prop_map(|(here, field)| Step::Type { here, field }),
        1 => (any::<bool>(), 0..TEXTS.len()).prop_map(|(here, field)| Step::Copy { here, field }),
        3 => (any::<bool>(), 0u8..4).prop_map(|(here, label)| Step::Label { here, label }),
        4 => Just(Step::Sync),
        1 => Just(Step::DiesIntending),
        1 => Just(Step::DiesWritten),
        1 => (0..TEXTS.len()).prop_map(|field| Step::Crossed { field }),
        1 => any::<bool>().prop_map(|ours| Step::Settle { ours }),
    ]
}

struct World {
    ours: Sheet,
    theirs: Sheet,
    base: Sheet,
    written: Sheet,
    conflicts: Vec<Conflict>,
    typed: Vec<(MirrorField, String)>,
    /// What somebody saw and replaced.
    replaced: Vec<(MirrorField, String)>,
    writes: usize,
}

fn merge(into: &mut Sheet, from: &Sheet) {
    for (field, value) in from.iter() {
        into.set(field, value);
    }
}

impl World {
    fn new() -> Self {
        let start = Sheet::default()
            .with(MirrorField::Title, "t")
            .with(MirrorField::Description, "d")
            .with(MirrorField::Labels, "0\n1");
        Self {
            ours: start.clone(),
            theirs: start.clone(),
            base: start,
            written: Sheet::default(),
            conflicts: Vec::new(),
            typed: Vec::new(),
            replaced: Vec::new(),
            writes: 0,
        }
    }

    fn side(&mut self, here: bool) -> &mut Sheet {
        if here { &mut self.ours } else { &mut self.theirs }
    }

    fn types(&mut self, here: bool, field: MirrorField, value: String) {
        let before = self.side(here).get(field).unwrap_or_default().to_owned();
        self.replaced.push((field, before));
        self.side(here).set(field, value.clone());
        self.typed.push((field, value));
    }

    fn label(&mut self, here: bool, label: u8) {
        let name = label.to_string();
        let side = self.side(here);
        let mut labels: BTreeSet<String> = side.labels().into_iter().map(str::to_owned).collect();
        if !labels.remove(&name) {
            labels.insert(name);
        }
        side.set(
            MirrorField::Labels,
            labels.into_iter().collect::<Vec<_>>().join("\n"),
        );
    }

    /// As the worker does it: note what is about to be written, write it there, write it here together with the base.
    fn sync(&mut self, until: usize, meanwhile: Option<(MirrorField, String)>) -> Met {
        let met = meet(&self.base, &self.written, &self.ours, &self.theirs);
        if !met.there.is_empty() {
            merge(&mut self.written, &met.there);
        }
        if until == 0 {
            return met;
        }
        merge(&mut self.theirs, &met.there);
        self.writes += usize::from(!met.there.is_empty());
        if until == 1 {
            return met;
        }
        if let Some((field, value)) = meanwhile {
            self.types(true, field, value);
            return met;
        }
        merge(&mut self.ours, &met.here);
        self.writes += usize::from(!met.here.is_empty());
        self.base = met.base.clone();
        self.written = Sheet::default();
        self.conflicts.clone_from(&met.conflicts);
        met
    }

    fn settle(&mut self, keep_ours: bool) {
        let Some(conflict) = self.conflicts.first().cloned() else {
            return;
        };
        let field = conflict.field;
        if keep_ours {
            self.base.set(field, conflict.theirs.clone());
            self.replaced.push((field, conflict.theirs));
        } else {
            if self.ours.get(field) != Some(&conflict.ours) {
                // It was edited since: whoever settles is asked to look again.
                return;
            }
            self.replaced.push((field, conflict.ours));
            self.ours.set(field, conflict.theirs.clone());
            self.base.set(field, conflict.theirs);
        }
        self.conflicts.remove(0);
    }

    fn step(&mut self, step: &Step, at: usize) {
        match step {
            Step::Type { here, field } => self.types(*here, TEXTS[*field], format!("text {at}")),
            Step::Copy { here, field } => {
                let field = TEXTS[*field];
                let other = self.side(!*here).get(field).unwrap_or_default().to_owned();
                self.types(*here, field, other);
            }
            Step::Label { here, label } => self.label(*here, *label),
            Step::Sync => drop(self.sync(2, None)),
            Step::DiesIntending => drop(self.sync(0, None)),
            Step::DiesWritten => drop(self.sync(1, None)),
            Step::Crossed { field } => drop(self.sync(2, Some((TEXTS[*field], format!("text {at}"))))),
            Step::Settle { ours } => self.settle(*ours),
        }
    }

    /// Every text that somebody typed is somewhere, unless somebody saw and replaced it.
    fn nothing_is_lost(&self) -> Result<(), TestCaseError> {
        for (field, text) in &self.typed {
            let seen = self.replaced.contains(&(*field, text.clone()));
            let there = [&self.ours, &self.theirs]
                .iter()
                .any(|side| side.get(*field) == Some(text));
            let kept = self
                .conflicts
                .iter()
                .any(|one| one.field == *field && (one.ours == *text || one.theirs == *text));
            prop_assert!(seen || there || kept, "{text} of {field:?} is nowhere");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sides_come_together_once_nobody_edits_and_no_text_is_lost(steps in proptest::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for (at, step) in steps.iter().enumerate() {
            world.step(step, at);
            world.nothing_is_lost()?;
        }
        // Nobody edits any more: one sync writes what there is to write, and no further one writes anything.
        world.sync(2, None);
        world.nothing_is_lost()?;
        let writes = world.writes;
        for _ in 0..5 {
            let met = world.sync(2, None);
            prop_assert!(met.is_quiet(), "it goes round in circles: {met:?}");
        }
        prop_assert_eq!(world.writes, writes);
        for field in [MirrorField::Title, MirrorField::Description, MirrorField::Labels] {
            let open = world.conflicts.iter().any(|one| one.field == field);
            prop_assert_eq!(world.ours.get(field) != world.theirs.get(field), open, "{:?}", field);
        }
        // Once every conflict is settled, both sides hold the same.
        while !world.conflicts.is_empty() {
            world.settle(world.conflicts.len().is_multiple_of(2));
            world.sync(2, None);
            world.nothing_is_lost()?;
        }
        prop_assert_eq!(&world.ours, &world.theirs);
    }

    #[test]
    fn labels_never_conflict_and_keep_what_both_sides_did(
        base in "[ab]{0,2}", ours in "[abc]{0,3}", theirs in "[abe]{0,3}",
    ) {
        let sheet = |letters: &str| {
            let labels: Vec<String> = letters.chars().map(String::from).collect();
            let labels = labels_of(labels.iter().map(String::as_str)).unwrap_or_default();
            Sheet::default().with(MirrorField::Labels, labels)
        };
        let (base, ours, theirs) = (sheet(&base), sheet(&ours), sheet(&theirs));
        let met = meet(&base, &Sheet::default(), &ours, &theirs);
        prop_assert!(met.conflicts.is_empty());
        for label in ["a", "b", "c", "d"] {
            let (was, here, there) =
                (base.labels().contains(label), ours.labels().contains(label), theirs.labels().contains(label));
            let wanted = if here == was { there } else { here };
            prop_assert_eq!(met.base.labels().contains(label), wanted, "{}", label);
        }
    }

    #[test]
    fn what_gitlab_gets_is_read_back_as_it_was(text in "([a-z/\\\\ *<>!-]|\n){0,60}", author in "[a-z* ]{0,8}") {
        let id = uuid::Uuid::from_u128(7);
        let (item, comment) = (ItemId::from_uuid(id), CommentId::from_uuid(id));
        let even = even(&text);
        prop_assert_eq!(read_description(&sent_description(&text, Some(item))), (even.clone(), Some(item)));
        prop_assert_eq!(read_description(&sent_description(&text, None)), (even.clone(), None));
        prop_assert_eq!(read_comment(&sent_comment(&author, &text, comment)), (even, Some(comment)));
        for line in sent_description(&text, None).lines() {
            prop_assert!(commands(line).is_none() || line.trim_start().starts_with('\\'), "{}", line);
        }
    }
}

#[test]
fn a_command_of_gitlab_in_a_text_is_only_a_text() {
    assert_eq!(
        sent_description("a\n/close\n  /label ~x", None),
        "a\n\\/close\n  \\/label ~x"
    );
    assert_eq!(read_description("a\r\n\\/close").0, "a\n/close");
    assert_eq!(read_description("1 / 2\n// no").0, "1 / 2\n// no");
}

#[test]
fn both_sides_that_changed_to_something_else_are_a_conflict() {
    let sheet = |title: &str| Sheet::default().with(MirrorField::Title, title);
    let met = meet(&sheet("a"), &Sheet::default(), &sheet("b"), &sheet("c"));
    assert!(met.is_quiet());
    assert_eq!(met.base, sheet("a"));
    let conflict = Conflict {
        field: MirrorField::Title,
        ours: String::from("b"),
        theirs: String::from("c"),
    };
    assert_eq!(met.conflicts, [conflict]);
    // What Slipway wrote itself before it died is nobody's change.
    let met = meet(&sheet("a"), &sheet("b"), &sheet("c"), &sheet("b"));
    assert_eq!((met.there, met.conflicts.len()), (sheet("c"), 0));
}

#[test]
fn what_a_side_could_not_hold_is_left_alone() {
    let base = Sheet::default().with(MirrorField::Assignee, "7");
    let met = meet(
        &base,
        &Sheet::default(),
        &Sheet::default(),
        &Sheet::default().with(MirrorField::Assignee, "9"),
    );
    assert!(met.is_quiet() && met.conflicts.is_empty());
    assert_eq!(met.base, base);
}

#[test]
fn a_label_says_what_an_issue_becomes() {
    let rules = MirrorRules {
        labels: MirrorRules::parse("Bug = bug\ntype::epic = epic").unwrap(),
        ..MirrorRules::default()
    };
    let of = |labels: &[&str]| {
        rules.kind_of(
            &labels
                .iter()
                .map(|label| String::from(*label))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(of(&["type::epic"]), ItemKind::Epic);
    assert_eq!(of(&["x", "BUG", "type::epic"]), ItemKind::Bug);
    assert_eq!(of(&["x"]), ItemKind::Task);
    assert_eq!(MirrorRules::parse(&rules.typed()).unwrap(), rules.labels);
    assert!(MirrorRules::parse("bug").is_err() && MirrorRules::parse("bug = story").is_err());
}
