//! Every kind of change in files of every kind: outside nothing changes, inside it is what was meant,
//! and undoing gives the very bytes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use slipway_domain::pipeline::file::canvas::{CanvasEdge, CanvasJob};
use slipway_domain::pipeline::file::merge::{Choice, merge};
use slipway_domain::pipeline::file::tree::parse;
use slipway_domain::pipeline::file::{
    Canvas, Dependents, Draft, Edit, Import, JobPlace, NewValue, Refusal, Written, apply, canvas, import,
};
use slipway_domain::pipeline::{Job, Need, Step, Value};
use slipway_domain::text::Locale;

use super::{corpus, fixtures, random, reader};

/// Changes of a file, made of what is in it. `picks` choose among jobs and stages.
fn edits(shown: &Canvas, picks: &mut impl FnMut(usize) -> usize) -> Vec<Edit> {
    let names: Vec<String> = shown.jobs.iter().map(|job| job.name.clone()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let mut job = || names[picks(names.len())].clone();
    let (first, second, third) = (job(), job(), job());
    let stages: Vec<String> = shown.stages.iter().map(|stage| stage.name.clone()).collect();
    let mut stage = || stages[picks(stages.len())].clone();
    let (stage_one, stage_two) = (stage(), stage());
    let new = Job {
        id: "neu".into(),
        name: "neu: 1".into(),
        stage: stage_one.clone(),
        steps: vec![Step {
            id: "s".into(),
            step_type: "script@1".into(),
            params: [("script".into(), Value::Text("make\necho 'a: b' # c".into()))].into(),
        }],
        tags: vec!["扫描".into()],
        ..Job::default()
    };
    let dependents = [Dependents::Refuse, Dependents::Drop, Dependents::Optional];
    let dependents = dependents[picks(3)];
    let place = [
        JobPlace::Stage,
        JobPlace::End,
        JobPlace::After(first.clone()),
        JobPlace::Before(first.clone()),
    ];
    let place = place[picks(4)].clone();
    let need = Need {
        job: second.clone(),
        artifacts: picks(2) == 0,
        optional: picks(2) == 0,
    };
    vec![
        Edit::AddJob {
            job: Box::new(new),
            template: None,
            place,
        },
        Edit::RenameJob {
            job: first.clone(),
            to: "umbenannt 变".into(),
        },
        Edit::RemoveJob {
            job: second.clone(),
            dependents,
        },
        Edit::DuplicateJob {
            job: third.clone(),
            to: "zweite".into(),
        },
        Edit::DisableJob {
            job: first.clone(),
            dependents,
        },
        Edit::EnableJob { job: second.clone() },
        Edit::MoveJob {
            job: third.clone(),
            stage: stage_two.clone(),
        },
        Edit::AddStage {
            stage: "neue".into(),
            before: (picks(2) == 0).then(|| stage_one.clone()),
        },
        Edit::RemoveStage {
            stage: stage_one.clone(),
            jobs_to: Some(stage_two.clone()),
        },
        Edit::RenameStage {
            stage: stage_two.clone(),
            to: "andere: 1".into(),
        },
        Edit::MoveStage {
            stage: stage_one,
            before: (picks(2) == 0).then_some(stage_two),
        },
        Edit::AddNeed {
            job: first.clone(),
            need,
        },
        Edit::RemoveNeed {
            job: third.clone(),
            need: shown
                .job(&third)
                .and_then(|job| job.needs.as_ref()?.first())
                .map_or(second, |need| need.job.clone()),
        },
        Edit::SetVariable {
            name: "NEU".into(),
            value: Some("a: b".into()),
        },
        Edit::Set {
            job: first,
            path: vec!["tags".into()],
            value: NewValue::List(vec!["a".into(), "b c".into()]),
        },
    ]
}

/// The lines of comments in a text.
fn comments(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| line.starts_with('#')).collect()
}

/// Entries that a change was not about have the bytes that they had, and no comment of theirs is lost.
fn outside(name: &str, old: &str, new: &Written) {
    let read = |text: &str| import(text, false).unwrap_or_else(|error| panic!("{name}: {error:?}\n{text}"));
    let (before, after) = (read(old), read(&new.text));
    let entries = |text: &'_ str, import: &Import| {
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for cut in &import.segments {
            let Some(key) = &cut.key else { continue };
            let body = &text[cut.start..cut.end];
            let begins: usize = body
                .split_inclusive('\n')
                .take_while(|line| line.starts_with('#') || line.trim().is_empty())
                .map(str::len)
                .sum();
            all.entry(key.clone())
                .or_default()
                .push_str(body[begins..].trim_end());
        }
        all
    };
    let (kept, found) = (entries(old, &before), entries(&new.text, &after));
    for (key, text) in &kept {
        if !new.touched.contains(key) {
            assert_eq!(found.get(key), Some(text), "{name}: {key}");
        }
    }
    // Comments of others are all there, in their order.
    let others: String = before
        .segments
        .iter()
        .filter(|cut| !cut.key.as_ref().is_some_and(|key| new.touched.contains(key)))
        .map(|cut| &old[cut.start..cut.end])
        .collect();
    let found = comments(&new.text);
    let mut rest = found.iter();
    for comment in comments(&others) {
        assert!(
            rest.any(|one| *one == comment),
            "{name}: {comment} is lost\n{}",
            new.text
        );
    }
    // What kind of file it is stays.
    assert_eq!(before.byte_order_mark, after.byte_order_mark, "{name}");
    assert_eq!(before.documents, after.documents, "{name}");
    if before.line_ending != "mixed" && old.contains('\n') {
        assert_eq!(before.line_ending, after.line_ending, "{name}");
    }
}

/// Another reader finds everything that was not touched as it was.
fn others_say_the_same(name: &str, old: &str, new: &Written) {
    let (Some(before), Some(after)) = (reader::documents(old), reader::documents(&new.text)) else {
        return;
    };
    for (before, after) in before.iter().zip(&after) {
        let reader::Value::Map(entries) = before else {
            continue;
        };
        for (key, value) in entries {
            let reader::Value::Scalar(key, _) = key else {
                continue;
            };
            // Hidden jobs may take from what changed.
            if !key.starts_with('.') && key != "<<" && !new.touched.contains(key) && !new.also.contains(key) {
                assert_eq!(after.get(key), before.get(key).or(Some(value)), "{name}: {key}");
            }
        }
    }
}

type Edges = BTreeSet<(String, String)>;

fn edges(shown: &Canvas) -> Edges {
    let pair = |edge: &CanvasEdge| (edge.from.clone(), edge.to.clone());
    shown.edges.iter().map(pair).collect()
}

fn names(shown: &Canvas) -> BTreeSet<String> {
    shown.jobs.iter().map(|job| job.name.clone()).collect()
}

fn renamed(set: &BTreeSet<String>, from: &str, to: &str) -> BTreeSet<String> {
    let new = |name: &String| if name == from { to.to_owned() } else { name.clone() };
    set.iter().map(new).collect()
}

/// What is drawn is what was meant.
fn inside(name: &str, old: &Canvas, edit: &Edit, written: &Written) {
    let new = canvas(&written.text, false).expect("YAML");
    let shown = format!("{name}: {edit:?}\n{}", written.text);
    let (before, after) = (names(old), names(&new));
    match edit {
        Edit::AddJob { job, .. } => {
            let more: BTreeSet<String> = after.difference(&before).cloned().collect();
            assert_eq!(more, BTreeSet::from([job.name.clone()]), "{shown}");
            let own = new.job(&job.name).expect("added");
            assert_eq!(own.stage.as_ref(), Some(&job.stage), "{shown}");
            let script = own.field("script").and_then(|field| field.value.clone());
            let lines = vec!["make\necho 'a: b' # c".to_owned()];
            assert_eq!(script, Some(NewValue::List(lines)), "{shown}");
        }
        Edit::RenameJob { job, to } => {
            if job == to {
                return;
            }
            assert_eq!(after, renamed(&before, job, to), "{shown}");
            let edge = |(from, target): &(String, String)| {
                let new = |name: &String| if name == job { to.clone() } else { name.clone() };
                (new(from), new(target))
            };
            assert_eq!(
                edges(&new),
                edges(old).iter().map(edge).collect::<Edges>(),
                "{shown}"
            );
        }
        Edit::RemoveJob { job, .. } => {
            assert!(!after.contains(job) && after.len() + 1 >= before.len(), "{shown}");
            let left = |edge: &&(String, String)| edge.0 != *job && edge.1 != *job;
            assert_eq!(
                edges(&new),
                edges(old).iter().filter(left).cloned().collect(),
                "{shown}"
            );
        }
        Edit::DuplicateJob { job, to } => {
            let (one, two) = (new.job(job).expect("first"), new.job(to).expect("second"));
            assert_eq!(
                (&one.stage, &one.needs, &one.extends),
                (&two.stage, &two.needs, &two.extends),
                "{shown}"
            );
            let values = |job: &CanvasJob| {
                let values = job.fields.iter().filter(|field| field.locked.is_none());
                values
                    .map(|field| (field.path.clone(), field.value.clone()))
                    .collect::<BTreeMap<_, _>>()
            };
            let first = values(one);
            for (path, value) in values(two) {
                // Its own anchors are none any more: more may be set than in the first.
                let same = first
                    .get(&path)
                    .is_none_or(|first| ended(first.as_ref()) == ended(value.as_ref()));
                assert!(same, "{shown}: {path}");
            }
        }
        Edit::DisableJob { job, .. } => {
            assert!(!after.contains(job), "{shown}");
        }
        Edit::EnableJob { job } => {
            let name = job.strip_prefix('.').unwrap_or(job);
            assert!(new.job(name).is_some_and(|job| !job.disabled), "{shown}");
        }
        _ => in_stages_and_fields(&new, old, edit, &written.also, &shown),
    }
}

/// The same of stages, needs and fields.
fn in_stages_and_fields(new: &Canvas, old: &Canvas, edit: &Edit, also: &[String], shown: &str) {
    match edit {
        Edit::MoveJob { job, stage } => {
            assert_eq!(
                new.job(job).and_then(|job| job.stage.as_ref()),
                Some(stage),
                "{shown}"
            );
        }
        Edit::AddStage { stage, .. } => {
            assert!(listed(new).contains(stage), "{shown}");
        }
        Edit::RemoveStage { stage, jobs_to } => {
            assert!(!listed(new).contains(stage), "{shown}");
            for job in &new.jobs {
                let was = old.job(&job.name).and_then(|job| job.stage.as_ref());
                let expected = if was == Some(stage) { jobs_to.as_ref() } else { was };
                assert_eq!(job.stage.as_ref(), expected, "{shown}");
            }
        }
        Edit::RenameStage { stage, to } => {
            let expected: Vec<String> = listed(old)
                .into_iter()
                .map(|name| if name == *stage { to.clone() } else { name })
                .collect();
            assert_eq!(listed(new), expected, "{shown}");
            for job in &new.jobs {
                let was = old.job(&job.name).and_then(|job| job.stage.as_ref());
                let expected = if was == Some(stage) { Some(to) } else { was };
                assert_eq!(job.stage.as_ref(), expected, "{shown}");
            }
        }
        Edit::MoveStage { .. } => {
            let sorted = |mut names: Vec<String>| {
                names.sort();
                names
            };
            assert_eq!(sorted(listed(new)), sorted(listed(old)), "{shown}");
        }
        Edit::AddNeed { job, need } => {
            let mut expected = edges(old);
            let from = old.edges.iter().find(|edge| edge.need.job == need.job);
            expected.insert((
                from.map_or(need.job.clone(), |edge| edge.from.clone()),
                job.clone(),
            ));
            // Those that extend it wait too.
            let others: Edges = edges(new)
                .into_iter()
                .filter(|(_, to)| !also.contains(to))
                .collect();
            assert!(others.is_subset(&expected), "{shown}");
            let needs = new.job(job).and_then(|job| job.needs.as_ref()).expect("needs");
            assert!(needs.contains(need), "{shown}");
        }
        Edit::RemoveNeed { job, need } => {
            let needs = new.job(job).and_then(|job| job.needs.clone()).unwrap_or_default();
            assert!(needs.iter().all(|one| one.job != *need), "{shown}");
        }
        Edit::SetVariable { name, value } => {
            let path = format!("variables.{name}");
            let field = new
                .variables
                .iter()
                .find(|field| field.path == path)
                .expect("set");
            assert_eq!(field.value, value.clone().map(NewValue::Text), "{shown}");
        }
        Edit::Set { job, path, value } => {
            if let Some(field) = new.job(job).and_then(|job| job.field(&path.join("."))) {
                assert_eq!(field.value.as_ref(), Some(value), "{shown}");
            }
        }
        _ => {}
    }
}

/// A value without the line break that the last text of a file may not have.
fn ended(value: Option<&NewValue>) -> Option<NewValue> {
    let bare = |text: &String| text.trim_end_matches('\n').to_owned();
    Some(match value? {
        NewValue::Text(text) => NewValue::Text(bare(text)),
        NewValue::List(items) => NewValue::List(items.iter().map(bare).collect()),
        other => other.clone(),
    })
}

fn listed(shown: &Canvas) -> Vec<String> {
    let listed = shown.stages.iter().filter(|stage| stage.listed);
    listed.map(|stage| stage.name.clone()).collect()
}

/// Makes one change and looks at what came out. Gives the refusal, where it was refused.
fn try_one(name: &str, text: &str, shown: &Canvas, edit: &Edit) -> Option<Refusal> {
    match apply(text, std::slice::from_ref(edit)) {
        Ok(written) => {
            let name = format!("{name}: {edit:?}");
            outside(&name, text, &written);
            others_say_the_same(&name, text, &written);
            inside(&name, shown, edit, &written);
            None
        }
        Err(refused) => {
            assert!(!refused.refusal.message(Locale::ZhCn).is_empty());
            Some(refused.refusal)
        }
    }
}

/// Numbers that look drawn by chance and are the same every time.
struct Picks(u64);

impl Picks {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % below.max(1)
    }
}

/// How often changes are tried in one file, and every how many of them.
fn rounds() -> (usize, usize) {
    if std::env::var_os("SLIPWAY_WHOLE_CORPUS").is_some() {
        (10, 1)
    } else {
        (1, 4)
    }
}

#[test]
fn real_files_change_only_where_they_should() {
    let (mut done, mut refused) = (0_usize, BTreeMap::<String, usize>::new());
    let mut misunderstood = Vec::new();
    let real = corpus::files()
        .into_iter()
        .map(|(path, text)| (path.display().to_string(), text));
    let own = fixtures::all()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .filter(|(_, text)| text.len() < 100_000);
    let mut picks = Picks(7);
    let (rounds, step) = rounds();
    for (index, (name, text)) in own.chain(real).enumerate() {
        let Ok(shown) = canvas(&text, false) else { continue };
        // The canvas is what the layout takes.
        let places = shown.layout();
        assert_eq!(places.nodes.len(), shown.jobs.len(), "{name}");
        assert_eq!(places.columns.len(), shown.stages.len(), "{name}");
        for _ in 0..rounds {
            let all = edits(&shown, &mut |below| picks.next(below));
            for edit in all.into_iter().skip(index % step).step_by(step) {
                match try_one(&name, &text, &shown, &edit) {
                    None => done += 1,
                    Some(Refusal::NotWhatWasMeant { field }) => {
                        misunderstood.push(format!("{name}: {edit:?}: {field}"));
                    }
                    Some(refusal) => {
                        let why = serde_json::to_value(&refusal).expect("a document");
                        *refused.entry(why["refusal"].to_string()).or_default() += 1;
                    }
                }
            }
        }
    }
    eprintln!("{done} changed; refused: {refused:?}");
    assert!(misunderstood.is_empty(), "{}", misunderstood.join("\n"));
    assert!(done > refused.values().sum::<usize>(), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_a_valid_file_is_whole(text in random::file(), seed in any::<u64>()) {
        let shown = canvas(&text, false).expect("YAML");
        let mut picks = Picks(seed);
        for edit in edits(&shown, &mut |below| picks.next(below)) {
            let refusal = try_one("random", &text, &shown, &edit);
            let misunderstood = matches!(refusal, Some(Refusal::NotWhatWasMeant { .. } | Refusal::Source { .. }));
            prop_assert!(!misunderstood, "{:?}\n{:?}\n{}", edit, refusal, text);
        }
    }

    #[test]
    fn a_draft_undone_is_the_file(text in random::file(), seed in any::<u64>(), count in 1..8_usize) {
        let mut picks = Picks(seed);
        let mut draft = Draft::default();
        let mut texts = vec![text.clone()];
        for _ in 0..count {
            let now = texts.last().expect("a text").clone();
            let shown = canvas(&now, false).expect("YAML");
            let all = edits(&shown, &mut |below| picks.next(below));
            let edit = all[picks.next(all.len())].clone();
            let before = draft.edits().len();
            if let Ok(written) = draft.make(&text, edit) {
                if draft.edits().len() > before {
                    texts.push(written.text);
                } else {
                    *texts.last_mut().expect("a text") = written.text;
                }
            }
        }
        // Where nothing changed in git, a draft merges to its own text.
        let last = texts.last().expect("a text");
        let merged = merge(&text, &text, last, &BTreeMap::new()).expect("YAML");
        prop_assert!(merged.open.is_empty());
        prop_assert_eq!(
            import(&merged.text, false).expect("YAML").jobs.iter().map(|job| job.name.clone()).collect::<BTreeSet<_>>(),
            import(last, false).expect("YAML").jobs.iter().map(|job| job.name.clone()).collect::<BTreeSet<_>>()
        );
        for expected in texts.iter().rev() {
            prop_assert_eq!(&draft.text(&text).expect("made before").text, expected);
            draft.undo();
        }
        prop_assert!(draft.is_empty());
        while draft.redo().is_some() {}
        prop_assert_eq!(&draft.text(&text).expect("made before").text, texts.last().expect("a text"));
    }

    #[test]
    fn broken_files_are_drawn_or_refused(text in random::broken(), seed in any::<u64>()) {
        let Ok(shown) = canvas(&text, true) else { return Ok(()) };
        let _ = shown.layout();
        let mut picks = Picks(seed);
        for edit in edits(&shown, &mut |below| picks.next(below)) {
            if let Ok(written) = apply(&text, &[edit]) {
                prop_assert!(parse(&written.text).is_ok());
            }
        }
    }
}

#[test]
fn a_draft_meets_what_happened_in_git() {
    let base = "# head\n\na:\n  script: 1\n\nb:\n  needs: [a]\n  script: 1\n\nc:\n  script: 1\n";
    let mut draft = Draft::default();
    for edit in [
        Edit::RenameJob {
            job: "a".into(),
            to: "first".into(),
        },
        Edit::Set {
            job: "c".into(),
            path: vec!["image".into()],
            value: NewValue::Text("x".into()),
        },
    ] {
        draft.make(base, edit).expect("made");
    }
    let ours = draft.text(base).expect("made").text;
    let git = base.replace("c:\n  script: 1", "c:\n  script: 2 # git");
    let merged = merge(base, &git, &ours, &BTreeMap::new()).expect("YAML");
    assert_eq!(merged.open, ["c"]);
    assert!(merged.text.contains("first:\n") && merged.text.contains("needs: [first]"));
    assert!(!merged.text.contains("\na:") && merged.text.contains("script: 2 # git"));
    let chosen = BTreeMap::from([("c".to_owned(), Choice::Draft)]);
    let merged = merge(base, &git, &ours, &chosen).expect("YAML");
    assert_eq!(merged.text, ours);
    // The same changes can be made in what stands in git now.
    let again = draft.text(&git).expect("made");
    assert!(again.text.contains("image: x\n  script: 2 # git"));
}
