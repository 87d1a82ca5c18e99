//! Structural changes: what they write, what they leave alone, and what they refuse.

use slipway_domain::pipeline::file::{Dependents, Edit, JobPlace, Refusal, Written, apply, canvas, import};
use slipway_domain::pipeline::{Job, Need, Step, TemplateRef, Trigger, Value};

/// What a file becomes by one change.
pub(super) fn one(text: &str, edit: Edit) -> Result<Written, Refusal> {
    let stored = serde_json::to_string(&edit).expect("a document");
    let again: Edit = serde_json::from_str(&stored).expect("the same");
    assert_eq!(again, edit);
    apply(text, &[edit]).map_err(|refused| refused.refusal)
}

pub(super) fn done(text: &str, edit: Edit) -> String {
    let shown = format!("{edit:?}");
    one(text, edit)
        .unwrap_or_else(|refusal| panic!("{shown}: {refusal:?}"))
        .text
}

pub(super) fn job(name: &str, stage: &str, script: &str) -> Job {
    Job {
        id: name.to_owned(),
        name: name.to_owned(),
        stage: stage.to_owned(),
        steps: vec![Step {
            id: "s".to_owned(),
            step_type: "script@1".to_owned(),
            params: [("script".to_owned(), Value::Text(script.to_owned()))].into(),
        }],
        ..Job::default()
    }
}

pub(super) fn add(new: Job, place: JobPlace) -> Edit {
    Edit::AddJob {
        job: Box::new(new),
        template: None,
        place,
    }
}

pub(super) fn rename(job: &str, to: &str) -> Edit {
    Edit::RenameJob {
        job: job.to_owned(),
        to: to.to_owned(),
    }
}

fn remove(job: &str, dependents: Dependents) -> Edit {
    Edit::RemoveJob {
        job: job.to_owned(),
        dependents,
    }
}

pub(super) fn disable(job: &str, dependents: Dependents) -> Edit {
    Edit::DisableJob {
        job: job.to_owned(),
        dependents,
    }
}

pub(super) fn duplicate(job: &str, to: &str) -> Edit {
    Edit::DuplicateJob {
        job: job.to_owned(),
        to: to.to_owned(),
    }
}

pub(super) fn need(job: &str, need: &str) -> Edit {
    Edit::AddNeed {
        job: job.to_owned(),
        need: Need::new(need),
    }
}

pub(super) fn no_need(job: &str, need: &str) -> Edit {
    Edit::RemoveNeed {
        job: job.to_owned(),
        need: need.to_owned(),
    }
}

pub(super) const FILE: &str = "\
# head

stages:
  - build # compiles
  # checks
  - test
  - ship

# ---- build ----

# about build
build:
  stage: build
  script: [make] # quick

test: &t # why
  stage: test
  needs: [build]
  script:
    - make test

\"lint: all\":
  stage: test
  needs:
    # the binary
    - job: build # slow
      artifacts: true
  dependencies: [build]
  script: make lint
  # inside

ship:
  stage: ship
  extends: .ship
  needs: ['test', \"lint: all\"]
  script:
    - !reference [build, script]
    - ship

.ship:
  image: x
# end
";

#[test]
fn a_job_is_added_where_it_belongs() {
    let block = "# slipway: job=new\nnew:\n  stage: test\n  needs:\n    - build\n  script:\n    - x\n";
    let mut new = job("new", "test", "x");
    new.needs = vec![Need::new("build")];
    let after_stage = FILE.replace("  # inside\n\n", &format!("  # inside\n\n{block}\n"));
    assert_eq!(done(FILE, add(new.clone(), JobPlace::Stage)), after_stage);
    let after = FILE.replace("# quick\n\n", &format!("# quick\n\n{block}\n"));
    assert_eq!(
        done(FILE, add(new.clone(), JobPlace::After("build".into()))),
        after
    );
    let before = FILE.replace("test: &t", &format!("{block}\ntest: &t"));
    assert_eq!(
        done(FILE, add(new.clone(), JobPlace::Before("test".into()))),
        before
    );
    let end = FILE.replace("# end\n", &format!("\n{block}\n# end\n"));
    assert_eq!(done(FILE, add(new.clone(), JobPlace::End)), end);
    let crlf = FILE.replace('\n', "\r\n");
    assert_eq!(
        done(&crlf, add(new.clone(), JobPlace::End)),
        end.replace('\n', "\r\n")
    );
    let template = TemplateRef {
        key: "node".into(),
        version: "1.2.3".into(),
    };
    let edit = Edit::AddJob {
        job: Box::new(new),
        template: Some(template),
        place: JobPlace::End,
    };
    assert!(done(FILE, edit).contains("# slipway: job=new template=node@1.2.3\nnew:\n"));
}

#[test]
fn a_job_is_added_at_the_end_of_any_file() {
    let new = || add(job("new", "test", "x"), JobPlace::End);
    let block = "# slipway: job=new\nnew:\n  stage: test\n  script:\n    - x";
    for (text, expected) in [
        ("a:\n  script: x", format!("a:\n  script: x\n\n{block}")),
        ("a:\n  script: x\n", format!("a:\n  script: x\n\n{block}\n")),
        ("a:\n  script: x\n\n\n", format!("a:\n  script: x\n\n\n{block}\n")),
        (
            "\u{feff}a:\n  script: |\n    x",
            format!("\u{feff}a:\n  script: |\n    x\n\n{block}"),
        ),
        (
            "---\na: {script: x}\n...\n",
            format!("---\na: {{script: x}}\n\n{block}\n\n...\n"),
        ),
        (
            "spec:\n  inputs: {}\n---\na:\n  script: x\n",
            format!("spec:\n  inputs: {{}}\n---\na:\n  script: x\n\n{block}\n"),
        ),
        (
            "a:\n  script: |+\n    x\n\n\n",
            format!("a:\n  script: |+\n    x\n\n\n{block}\n"),
        ),
        (
            "a:\n  script: |+\n    x\n",
            format!("a:\n  script: |+\n    x\n{block}\n"),
        ),
        (
            "a:\n  script: x\n\n# 结尾\n",
            format!("a:\n  script: x\n\n{block}\n\n# 结尾\n"),
        ),
    ] {
        assert_eq!(done(text, new()), expected, "{text:?}");
    }
    assert!(matches!(
        one("{a: {script: x}}", new()),
        Err(Refusal::NotAJob { .. })
    ));
    let stage = add(job("new", "nowhere", "x"), JobPlace::Stage);
    assert!(matches!(
        one("a:\n  script: x\n", stage),
        Err(Refusal::WouldBreak { .. })
    ));
    for name in ["a", "stages", ".new", "", " x", "a\nb", "true"] {
        let refusal = one("a:\n  script: x\n", add(job(name, "test", "x"), JobPlace::End));
        let right = matches!(refusal, Err(Refusal::Taken { .. } | Refusal::BadName { .. }));
        assert!(right, "{name:?}: {refusal:?}");
    }
}

#[test]
fn a_new_name_stands_wherever_the_old_one_stood() {
    let expected = FILE
        .replace("\nbuild:\n", "\n'a: b':\n")
        .replace("needs: [build]", "needs: ['a: b']")
        .replace("- job: build #", "- job: 'a: b' #")
        .replace("dependencies: [build]", "dependencies: ['a: b']")
        .replace("[build, script]", "['a: b', script]");
    assert_eq!(done(FILE, rename("build", "a: b")), expected);
    assert_eq!(
        done(&expected, rename("a: b", "build")),
        FILE.replace("\nbuild:\n", "\n'build':\n")
            .replace("[build]", "['build']")
            .replace("job: build", "job: 'build'")
            .replace("[build,", "['build',")
    );
    let expected = FILE
        .replace("\"lint: all\":", "\"lint\":")
        .replace("'test', \"lint: all\"", "'test', \"lint\"");
    assert_eq!(done(FILE, rename("lint: all", "lint")), expected);
    let parts = "a:\n  script: x\n  parallel: 2\nb:\n  script: y\n  needs: ['a 1/2', {job: a, artifacts: false}]\n  environment: {name: e, on_stop: a}\n";
    let expected = parts
        .replace("\na:", "\nc:")
        .replace("a:\n", "c:\n")
        .replace("'a 1/2'", "'c 1/2'")
        .replace("job: a,", "job: c,")
        .replace("on_stop: a", "on_stop: c");
    assert_eq!(done(parts, rename("a", "c")), expected);
}

#[test]
fn a_name_that_cannot_be_changed_everywhere_stays() {
    let by_reference = ".names:\n  list: [a]\n  one: a\na:\n  script: x\nb:\n  script: y\n  needs: [!reference [.names, one]]\n";
    let refusal = one(by_reference, rename("a", "c"));
    assert!(
        matches!(&refusal, Err(Refusal::Kept { field, line: 8, .. }) if field == "b.needs"),
        "{refusal:?}"
    );
    // A list that several share changes for all of them.
    let shared = "a:\n  script: x\nb:\n  script: y\n  needs: &n [a]\nc:\n  script: z\n  needs: *n\n";
    assert_eq!(
        done(shared, rename("a", "d")),
        shared.replace("a:\n", "d:\n").replace("[a]", "[d]")
    );
    let included = "include: x.yml\nscan:\n  variables: {A: b}\n";
    assert!(matches!(
        one(included, rename("scan", "other")),
        Err(Refusal::NotAJob { .. })
    ));
    assert!(matches!(
        one(FILE, rename("build", "test")),
        Err(Refusal::Taken { .. })
    ));
    assert!(matches!(
        one(FILE, rename("nobody", "x")),
        Err(Refusal::UnknownJob { .. })
    ));
    assert!(matches!(
        one(FILE, rename(".ship", "x")),
        Err(Refusal::NotAJob { .. })
    ));
}

#[test]
fn a_job_is_taken_out_with_its_own_comments() {
    let refusal = one(FILE, remove("test", Dependents::Refuse));
    assert!(
        matches!(&refusal, Err(Refusal::InUse { by, line: 35, .. }) if by == &["ship"]),
        "{refusal:?}"
    );
    let expected = FILE
        .replace(
            "test: &t # why\n  stage: test\n  needs: [build]\n  script:\n    - make test\n\n",
            "",
        )
        .replace("['test', \"lint: all\"]", "[\"lint: all\"]");
    let written = one(FILE, remove("test", Dependents::Drop)).expect("removed");
    assert_eq!(written.text, expected);
    assert_eq!(written.touched, ["ship", "test"]);
    // Another takes its script from it.
    let refusal = one(FILE, remove("build", Dependents::Drop));
    assert!(
        matches!(&refusal, Err(Refusal::InUse { by, .. }) if by == &["ship"]),
        "{refusal:?}"
    );
    let text =
        "a:\n  script: x\n\n# section\n\n# own\nb:\n  script: y\n\n# c's\nc:\n  needs: [b]\n  script: z";
    let expected = "a:\n  script: x\n\n# section\n\n# c's\nc:\n  script: z";
    assert_eq!(done(text, remove("b", Dependents::Drop)), expected);
    let expected = "a:\n  script: x\n\n# section\n\n# own\nb:\n  script: y";
    assert_eq!(done(text, remove("c", Dependents::Refuse)), expected);
    assert!(matches!(
        one("a:\n  script: x\n", remove("a", Dependents::Drop)),
        Err(Refusal::WouldBreak { .. })
    ));
    let anchored = "a:\n  script: &s [x]\nb:\n  script: *s\n";
    assert!(matches!(
        one(anchored, remove("a", Dependents::Drop)),
        Err(Refusal::Kept { line: 2, .. })
    ));
}

#[test]
fn a_job_is_written_a_second_time() {
    let text = "# slipway: job=a template=node@1.0.0\na: # why\n  script: &s\n    - x # y\n  variables: {A: &v 1}\n\nb:\n  script: *s\n";
    let expected = text.replace(
        "\nb:",
        "\n# slipway: job=c template=node@1.0.0\nc: # why\n  script:\n    - x # y\n  variables: {A: 1}\n\nb:",
    );
    assert_eq!(done(text, duplicate("a", "c")), expected);
    assert!(matches!(
        one(text, duplicate("a", "b")),
        Err(Refusal::Taken { .. })
    ));
}

#[test]
fn a_hidden_job_never_runs_and_comes_back() {
    let written = one(FILE, disable("build", Dependents::Optional)).expect("disabled");
    let expected = FILE
        .replace("\nbuild:\n", "\n.build:\n")
        .replace("needs: [build]", "needs: [{job: build, optional: true}]")
        .replace("artifacts: true\n", "artifacts: true\n      optional: true\n")
        .replace("dependencies: [build]", "dependencies: []")
        .replace("[build, script]", "[.build, script]");
    assert_eq!(written.text, expected);
    let shown = canvas(&written.text, false).expect("YAML");
    assert!(shown.job(".build").is_none(), "another takes its script from it");
    let back = done(&written.text, Edit::EnableJob { job: ".build".into() });
    assert_eq!(back, expected.replace(".build", "build"));
    let text = "a:\n  script: x\nb:\n  script: y\n  needs: [a] # why\n  rules:\n    - when: never\n";
    let hidden = done(text, disable("a", Dependents::Drop));
    assert_eq!(
        hidden,
        ".a:\n  script: x\nb:\n  script: y\n  rules:\n    - when: never\n"
    );
    let shown = canvas(&hidden, false).expect("YAML");
    assert!(shown.jobs.iter().all(|job| job.disabled) && shown.jobs.len() == 2);
    let enabled = done(&hidden, Edit::EnableJob { job: "b".into() });
    assert_eq!(enabled, ".a:\n  script: x\nb:\n  script: y\n");
    assert_eq!(
        done(&enabled, Edit::EnableJob { job: ".a".into() }),
        "a:\n  script: x\nb:\n  script: y\n"
    );
}

pub(super) fn stage(stage: &str, before: Option<&str>) -> Edit {
    Edit::AddStage {
        stage: stage.to_owned(),
        before: before.map(str::to_owned),
    }
}

fn move_stage(stage: &str, before: Option<&str>) -> Edit {
    Edit::MoveStage {
        stage: stage.to_owned(),
        before: before.map(str::to_owned),
    }
}

fn rename_stage(stage: &str, to: &str) -> Edit {
    Edit::RenameStage {
        stage: stage.to_owned(),
        to: to.to_owned(),
    }
}

fn remove_stage(stage: &str, jobs_to: Option<&str>) -> Edit {
    Edit::RemoveStage {
        stage: stage.to_owned(),
        jobs_to: jobs_to.map(str::to_owned),
    }
}

#[test]
fn stages_come_go_and_move_with_their_comments() {
    assert_eq!(
        done(FILE, stage("scan", None)),
        FILE.replacen("  - ship\n", "  - ship\n  - scan\n", 1)
    );
    assert_eq!(
        done(FILE, stage("扫描", Some("test"))),
        FILE.replace("# compiles\n", "# compiles\n  - 扫描\n")
    );
    assert_eq!(
        done(FILE, stage("first", Some("build"))),
        FILE.replace("  - build #", "  - first\n  - build #")
    );
    assert!(matches!(
        one(FILE, stage("test", None)),
        Err(Refusal::Taken { .. })
    ));
    // A job of a later stage would be needed.
    assert!(matches!(
        one(FILE, move_stage("build", None)),
        Err(Refusal::WouldBreak { .. })
    ));
    let free = "stages:\n  - build # compiles\n  # checks\n  - test\n  - ship\na:\n  script: x\n";
    assert_eq!(
        done(free, move_stage("test", None)),
        "stages:\n  - build # compiles\n  - ship\n  # checks\n  - test\na:\n  script: x\n"
    );
    assert_eq!(
        done(free, move_stage("ship", Some("build"))),
        "stages:\n  - ship\n  - build # compiles\n  # checks\n  - test\na:\n  script: x\n"
    );
    let flow = "stages: [build, \"test\", ship]\na:\n  script: x\n";
    assert_eq!(
        done(flow, move_stage("ship", Some("build"))),
        flow.replace("[build, \"test\", ship]", "[ship, build, \"test\"]")
    );
    assert_eq!(
        done(flow, move_stage("build", None)),
        flow.replace("[build, \"test\", ship]", "[\"test\", ship, build]")
    );
    assert_eq!(done(flow, remove_stage("ship", None)), flow.replace(", ship", ""));
    let expected = FILE
        .replace("  - test\n  - ship", "  - check\n  - ship")
        .replace("stage: test", "stage: check");
    assert_eq!(done(FILE, rename_stage("test", "check")), expected);
    let expected = FILE
        .replacen("  - ship\n", "", 1)
        .replace("stage: ship", "stage: test");
    assert_eq!(done(FILE, remove_stage("ship", Some("test"))), expected);
    let refusal = one(FILE, remove_stage("ship", None));
    assert!(
        matches!(&refusal, Err(Refusal::InUse { by, .. }) if by == &["ship"]),
        "{refusal:?}"
    );
    let moved = Edit::MoveJob {
        job: "ship".into(),
        stage: "test".into(),
    };
    assert_eq!(done(FILE, moved), FILE.replace("stage: ship", "stage: test"));
}

#[test]
fn a_file_without_stages_gets_a_list() {
    let text = "# head\n\ninclude_me:\n  script: x\n";
    let expected =
        "# head\n\nstages:\n  - build\n  - test\n  - scan\n  - deploy\n\ninclude_me:\n  script: x\n";
    assert_eq!(done(text, stage("scan", Some("deploy"))), expected);
    let expected =
        "# head\n\nstages:\n  - build\n  - check\n  - deploy\n\ninclude_me:\n  stage: check\n  script: x\n";
    assert_eq!(done(text, rename_stage("test", "check")), expected);
    let included = "include: x.yml\na:\n  script: x\n";
    assert!(matches!(
        one(included, stage("scan", None)),
        Err(Refusal::Kept { .. })
    ));
    assert!(canvas(included, false).expect("YAML").stages_locked.is_some());
}

#[test]
fn edges_come_and_go() {
    assert_eq!(
        done(FILE, need("ship", "build")),
        FILE.replace("\"lint: all\"]", "\"lint: all\", build]")
    );
    assert_eq!(
        done(FILE, need("lint: all", "test")),
        FILE.replace("      artifacts: true\n", "      artifacts: true\n    - test\n")
    );
    let optional = Edit::AddNeed {
        job: "test".into(),
        need: Need {
            job: "build".into(),
            artifacts: false,
            optional: true,
        },
    };
    assert_eq!(
        done(FILE, optional),
        FILE.replacen("[build]", "[{job: build, artifacts: false, optional: true}]", 1)
    );
    assert_eq!(
        done(FILE, no_need("ship", "test")),
        FILE.replace("['test', ", "[")
    );
    assert_eq!(
        done(FILE, no_need("test", "build")),
        FILE.replace("  needs: [build]\n", "")
    );
    assert!(matches!(
        one(FILE, no_need("ship", "build")),
        Err(Refusal::NoSuchField { .. })
    ));
    assert!(matches!(
        one(FILE, need("build", "ship")),
        Err(Refusal::WouldBreak { .. })
    ));
    // What is inherited is written out, and stays inherited for others.
    let text = ".b:\n  needs: [a]\na:\n  script: x\nc:\n  extends: .b\n  script: y\nd:\n  script: z\n";
    assert_eq!(
        done(text, need("c", "d")),
        text.replace("  script: y", "  needs:\n    - a\n    - d\n  script: y")
    );
    assert_eq!(
        done(text, no_need("c", "a")),
        text.replace("  script: y", "  needs: []\n  script: y")
    );
    assert_eq!(
        done(text, remove("a", Dependents::Drop)),
        text.replace("a:\n  script: x\n", "").replace("[a]", "[]")
    );
}

#[test]
fn variables_of_the_file_are_set() {
    let set = |name: &str, value: Option<&str>| Edit::SetVariable {
        name: name.into(),
        value: value.map(str::to_owned),
    };
    let text = "variables:\n  A: 1 # one\n  B: {value: x, description: y}\na:\n  script: x\n";
    assert_eq!(done(text, set("A", Some("2"))), text.replace("A: 1", "A: 2"));
    assert_eq!(
        done(text, set("B", Some("z"))),
        text.replace("value: x", "value: z")
    );
    assert_eq!(
        done(text, set("C", Some("no"))),
        text.replace("y}\n", "y}\n  C: 'no'\n")
    );
    assert_eq!(done(text, set("A", None)), text.replace("  A: 1 # one\n", ""));
    let bare = "stages: [test]\n\na:\n  script: x\n";
    let with = "stages: [test]\n\nvariables:\n  A: '1'\n\na:\n  script: x\n";
    assert_eq!(done(bare, set("A", Some("1"))), with);
    assert_eq!(done(with, set("A", None)), bare);
    assert!(matches!(
        one(text, set("a-b", Some("x"))),
        Err(Refusal::BadName { .. })
    ));
}

#[test]
fn a_form_changes_what_differs() {
    let text = "\
# slipway: job=a template=node@1.0.0
a:
  stage: test # where
  image: node:22
  # kept
  variables:
    A: 1 # one
    B: x
  tags: [docker, arm64]
  rules:
    - if: $CI_COMMIT_TAG
  script:
    # first
    - npm ci
    - |
      if x; then
        y
      fi
  artifacts:
    paths: [out]
    expire_in: 1 week
";
    let mut form = import(text, false).expect("YAML").jobs[0].own.clone();
    let replace = |new: &Job| Edit::ReplaceJob {
        job: "a".into(),
        new: Box::new(new.clone()),
        template: None,
    };
    assert_eq!(done(text, replace(&form)), text);
    form.variables.insert("B".into(), "z".into());
    form.variables.insert("C".into(), "3".into());
    form.tags = vec!["docker".into()];
    form.when.on = Trigger::DefaultBranch;
    form.artifacts.expire_in = None;
    form.timeout = Some("1h".into());
    form.image.as_mut().expect("an image").entrypoint = vec![String::new()];
    let expected = text
        .replace("B: x\n", "B: z\n    C: '3'\n")
        .replace("[docker, arm64]", "[docker]")
        .replace(
            "if: $CI_COMMIT_TAG",
            "if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
        )
        .replace("    expire_in: 1 week\n", "")
        .replace("  # kept\n", "  timeout: '1h'\n  # kept\n")
        .replace(
            "image: node:22\n",
            "image:\n    name: node:22\n    entrypoint:\n      - ''\n",
        );
    assert_eq!(done(text, replace(&form)), expected);
    form.name = "renamed".into();
    let template = TemplateRef {
        key: "node".into(),
        version: "1.1.0".into(),
    };
    let edit = Edit::ReplaceJob {
        job: "a".into(),
        new: Box::new(form),
        template: Some(template),
    };
    assert_eq!(
        done(text, edit),
        expected.replace("\na:", "\nrenamed:").replace("1.0.0", "1.1.0")
    );
    // What a form cannot show stays as it is.
    let partial = "a:\n  extends: .x\n  script: x # y\n.x:\n  image: z\n";
    let mut form = import(partial, false).expect("YAML").jobs[0].own.clone();
    form.tags = vec!["t".into()];
    let expected = partial.replace("  script", "  tags:\n    - t\n  script");
    assert_eq!(done(partial, replace(&form)), expected);
}
