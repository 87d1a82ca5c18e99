//! Slipway's own file beside one that is mostly kept as it is.

use slipway_domain::pipeline::file::side::{
    MARK, ROOT_FILE, SIDE_FILE, begin, is_included, is_side, path_of, together, with_include,
};
use slipway_domain::pipeline::file::{Edit, JobPlace, apply, import};
use slipway_domain::pipeline::{Job, file};

const ROOT: &str = "stages: [compile, package]\n\n.base: &base\n  image: alpine:3\n\ncompile:\n  <<: *base\n  stage: compile\n  script: make\n";

fn add(text: &str, name: &str, stage: &str) -> String {
    let job: Job = serde_json::from_value(serde_json::json!({
        "id": name, "name": name, "stage": stage,
        "steps": [{ "id": "run", "type": "script@1", "params": { "script": "make package" } }],
    }))
    .expect("a job");
    let edit = Edit::AddJob {
        job: Box::new(job),
        template: None,
        place: JobPlace::default(),
    };
    apply(text, &[edit]).expect("it can be added").text
}

#[test]
fn it_begins_with_a_mark_and_takes_jobs_in_stages_of_the_other_file() {
    let text = begin();
    assert!(is_side(&text) && !is_side(ROOT));
    assert_eq!((path_of(&text), path_of(ROOT)), (SIDE_FILE, ROOT_FILE));
    let one = add(&text, "package", "package");
    assert!(one.starts_with(&text), "{one}");
    assert!(one.contains("\npackage:\n  stage: package\n"), "{one}");
    let two = add(&one, "sign", "package");
    assert!(two.starts_with(&one), "{two}");
    let imported = import(&two, true).expect("YAML");
    assert_eq!(imported.findings, []);
    assert_eq!(
        imported.segments.iter().filter(|cut| cut.job.is_some()).count(),
        2,
        "the mark goes with no job: {:?}",
        imported.segments
    );
    // The last job goes, the mark stays.
    let remove = |job: &str| Edit::RemoveJob {
        job: job.to_owned(),
        dependents: file::Dependents::Refuse,
    };
    let none = apply(&two, &[remove("package"), remove("sign")])
        .expect("both can go")
        .text;
    assert!(none.starts_with(MARK), "{none}");
}

#[test]
fn the_root_gets_one_include_and_both_are_linted_together() {
    assert!(!is_included(ROOT) && !is_included("") && !is_included("a: ["));
    let root = with_include(ROOT).expect("it can be added");
    assert!(is_included(&root));
    let side = add(&begin(), "package", "package");
    let both = together(ROOT, &side).expect("no name is in both");
    assert!(
        both.starts_with(ROOT.trim_end()) && both.contains("\npackage:\n"),
        "{both}"
    );
    assert_eq!(import(&both, false).expect("YAML").findings, []);
    assert_eq!(together(&both, &side), None, "a name is in both");
    assert_eq!(together("", &side), Some(side));
}
