//! Drafts: several changes as one, undone and done again, and how many there may be.

use std::collections::BTreeMap;

use slipway_domain::pipeline::file::draft::MOST_EDITS;
use slipway_domain::pipeline::file::{Dependents, Draft, Edit, JobPlace, NewValue, Refusal, apply};
use slipway_domain::pipeline::{Job, Need, Value, compile, form, instantiate, templates};

use super::draft::{FILE, add, disable, done, duplicate, job, need, no_need, one, rename, stage};
use super::reader::{self, documents};

#[test]
fn several_changes_are_one() {
    let between = |refused: bool| Edit::All {
        edits: vec![
            Edit::AddJob {
                job: Box::new(Job {
                    needs: vec![Need::new("build")],
                    ..job("mid", "test", "x")
                }),
                template: None,
                place: JobPlace::Stage,
            },
            no_need("test", "build"),
            need("test", if refused { "nobody" } else { "mid" }),
        ],
    };
    let written = one(FILE, between(false)).expect("inserted");
    assert!(
        written
            .text
            .contains("test: &t # why\n  stage: test\n  needs:\n    - mid\n")
    );
    let mut draft = Draft::default();
    let refused = draft.make(FILE, between(true)).expect_err("no such job");
    assert!(matches!(refused.refusal, Refusal::WouldBreak { .. }) && refused.at == 0);
    assert!(refused.patch.is_some_and(|patch| patch.added > 0));
    assert!(draft.is_empty());
}

#[test]
fn undoing_gives_the_very_bytes() {
    let edits = [
        rename("build", "compile"),
        disable("test", Dependents::Drop),
        stage("scan", None),
        add(job("new", "scan", "x\ny"), JobPlace::Stage),
        need("new", "compile"),
        duplicate("new", "newer"),
        Edit::Set {
            job: "newer".into(),
            path: vec!["image".into()],
            value: NewValue::Text("a".into()),
        },
    ];
    let mut draft = Draft::default();
    let mut texts = vec![FILE.to_owned()];
    for edit in edits {
        texts.push(draft.make(FILE, edit).expect("made").text);
    }
    // Typing on is the same change still.
    let typed = Edit::Set {
        job: "newer".into(),
        path: vec!["image".into()],
        value: NewValue::Text("ab".into()),
    };
    let last = draft.make(FILE, typed).expect("made").text;
    assert_eq!(draft.edits().len(), 7);
    *texts.last_mut().expect("texts") = last;
    let stored = serde_json::to_string(&draft).expect("a document");
    let mut draft: Draft = serde_json::from_str(&stored).expect("the same");
    for text in texts.iter().rev() {
        assert_eq!(&draft.text(FILE).expect("made before").text, text);
        assert_eq!(draft.can_undo(), text != FILE);
        draft.undo();
    }
    for text in texts.iter().skip(1) {
        draft.redo().expect("undone before");
        assert_eq!(&draft.text(FILE).expect("made before").text, text);
    }
    assert!(!draft.can_redo());
}

#[test]
fn a_draft_has_an_end() {
    let edits = vec![rename("build", "build"); MOST_EDITS];
    assert_eq!(
        apply(FILE, &[Edit::All { edits: edits.clone() }])
            .expect("as many")
            .text,
        FILE
    );
    let more = [Edit::All { edits }, rename("build", "x")];
    assert_eq!(apply(FILE, &more).expect_err("too many").at, MOST_EDITS);
    let mut deep = rename("build", "x");
    for _ in 0..10 {
        deep = Edit::All { edits: vec![deep] };
    }
    assert!(matches!(one(FILE, deep), Err(Refusal::WrongValue { .. })));
}

/// Where an entry stands in its mapping, and in which quotes a text, does not matter here.
fn sorted(value: reader::Value) -> reader::Value {
    match value {
        reader::Value::Map(entries) => {
            let mut entries: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            entries.sort_by_key(|(key, _)| format!("{key:?}"));
            reader::Value::Map(entries)
        }
        reader::Value::List(items) => reader::Value::List(items.into_iter().map(sorted).collect()),
        reader::Value::Scalar(text, _) => reader::Value::Scalar(text, true),
    }
}

/// The forms of a template's steps know more than the file says: what they say the file says already
/// is not written again.
#[test]
fn jobs_of_templates_are_replaced_by_what_their_steps_say() {
    for template in templates() {
        let mut inputs = BTreeMap::new();
        for param in [
            "lint",
            "coverage",
            "scan_dependencies",
            "scan_secrets",
            "scan_image",
        ] {
            inputs.insert(param.to_owned(), "true".to_owned());
        }
        let values = form::parse(&template.params, &inputs).values;
        let pipeline = instantiate(template, &values).expect("checked values");
        let text = compile(&pipeline).text;
        let replace = |job: &Job| Edit::ReplaceJob {
            job: job.name.clone(),
            new: Box::new(job.clone()),
            template: pipeline.template.clone(),
        };
        for job in &pipeline.jobs {
            assert_eq!(done(&text, replace(job)), text, "{} {}", template.key, job.id);
            let mut changed = pipeline.clone();
            let new = changed.job_mut(&job.id).expect("the job");
            new.timeout = Some("2 hours".into());
            new.tags = vec!["gpu".into(), "large one".into()];
            new.variables.insert("EXTRA".into(), "a: b # c".into());
            new.when.manual = true;
            new.retry = Some(1);
            if let Some(step) = new
                .steps
                .first_mut()
                .filter(|step| step.params.contains_key("dir"))
            {
                step.params.insert("dir".into(), Value::Text("apps/one".into()));
            }
            let written = done(&text, replace(new));
            let read =
                |text: &str| documents(text).map(|all| all.into_iter().map(sorted).collect::<Vec<_>>());
            let (one, other) = (read(&written), read(&compile(&changed).text));
            assert!(
                one == other && one.is_some(),
                "{} {}\n{written}",
                template.key,
                job.id
            );
        }
    }
}
