//! Pipelines that are run with inputs and variables.

use crate::world::{ORG, PROJECT, World};
use serde_json::json;
use slipway_domain::access::Role;
use slipway_domain::run::RunStatus;
use slipway_domain::text::Locale;
use slipway_domain::variable::{Variable, VariableKind};
use slipway_portal::run::{self, Given, Start};
use slipway_portal::{Actor, Error, Via};
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::collections::BTreeMap;

const APP: &str = "storefront";

const FILE: &str = "\
spec:
  inputs:
    environment:
      description: Where to
      options: [dev, qa]
      default: dev
    version:
      regex: ^v\\d+$
    replicas: { type: number, default: 2 }
    loud: { type: boolean, default: false }
    targets: { type: array, default: [linux] }
---
variables:
  LEVEL: { value: info, description: How much is written }
say:
  script:
    - echo \"to=$[[ inputs.environment ]] v=$[[ inputs.version ]] n=$[[ inputs.replicas ]] loud=$[[ inputs.loud ]]\"
    - 'echo ''targets=$[[ inputs.targets ]]'''
    - echo \"level=$LEVEL extra=$EXTRA file=$(cat \"$KEYS\")\"
";

fn variable(key: &str, value: &str, kind: VariableKind) -> Variable {
    Variable {
        key: key.to_owned(),
        value: value.to_owned(),
        kind,
    }
}

fn typed(pairs: &[(&str, &str)]) -> Given {
    let text = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Given::Typed(pairs.iter().map(text).collect())
}

async fn world_with_inputs() -> World {
    let world = World::new().await;
    world.connected(APP).await;
    world
        .commit(world.sample(APP), "create", ".gitlab-ci.yml", FILE)
        .await;
    world
}

async fn pipelines(world: &World) -> usize {
    let path = format!("projects/{}/pipelines?source=api", world.sample(APP));
    let list = world.call("GET", &path, json!(null)).await;
    list.as_array().unwrap().len()
}

fn wrong_fields(result: Result<i64, Error>) -> Vec<String> {
    match result.expect_err("it is refused") {
        Error::Invalid(fields) => fields.into_iter().map(|field| field.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_file_asks_for_is_asked_and_reaches_the_jobs() {
    let world = world_with_inputs().await;
    let ctx = world.ctx();
    let form = run::form(&ctx, ORG, PROJECT, APP, None).await.unwrap();
    assert_eq!((form.git_ref.as_str(), form.asked.inputs.len()), ("main", 5));
    assert!(form.trouble.is_none() && form.may_run && form.refs.contains(&String::from("main")));
    assert_eq!(form.asked.variables[0].name, "LEVEL");

    let start = Start {
        git_ref: String::from("main"),
        inputs: typed(&[
            ("environment", "qa"),
            ("version", "v3"),
            ("replicas", "4"),
            ("loud", "true"),
            ("targets", "linux\r\narm64"),
        ]),
        variables: vec![
            variable("LEVEL", "debug", VariableKind::Env),
            variable("EXTRA", "two words", VariableKind::Env),
            variable("KEYS", "kept in a file", VariableKind::File),
            variable("  ", "", VariableKind::Env),
        ],
    };
    let number = run::start(&ctx, ORG, PROJECT, APP, &start).await.unwrap();
    let view = world.finished(APP, number).await;
    let words = world.words(APP, &view).await;
    assert_eq!(view.run.status, RunStatus::Success, "{words}");
    for line in [
        "to=qa v=v3 n=4 loud=true",
        "targets=[\"linux\",\"arm64\"]",
        "level=debug extra=two words file=kept in a file",
    ] {
        assert!(words.contains(line), "{line} in {words}");
    }
    // The audit log has the names, and no value.
    let rows = world.log_of(APP).await;
    let started = rows.iter().find(|row| row.action == "run.start").expect("a row");
    let told = started.summary.to_string();
    assert!(told.contains("EXTRA") && told.contains("version"), "{told}");
    assert!(!told.contains("two words") && !told.contains("kept in"), "{told}");
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_at_once_and_gitlab_is_not_asked() {
    let world = world_with_inputs().await;
    let ctx = world.ctx();
    let start = Start {
        git_ref: String::from("main"),
        inputs: typed(&[("environment", "prod"), ("replicas", "many"), ("nothing", "x")]),
        variables: Vec::new(),
    };
    assert_eq!(
        wrong_fields(run::start(&ctx, ORG, PROJECT, APP, &start).await),
        [
            "inputs[nothing]",
            "inputs[environment]",
            "inputs[version]",
            "inputs[replicas]"
        ]
    );
    let values = Start {
        inputs: Given::Values(BTreeMap::from([
            (String::from("version"), json!("v1")),
            (String::from("loud"), json!("yes")),
        ])),
        ..start.clone()
    };
    assert_eq!(
        wrong_fields(run::start(&ctx, ORG, PROJECT, APP, &values).await),
        ["inputs[loud]"]
    );
    let named = Start {
        variables: vec![
            variable("A-B", "1", VariableKind::Env),
            variable("", "no name", VariableKind::Env),
            variable("TWICE", "1", VariableKind::Env),
            variable("TWICE", "2", VariableKind::Env),
        ],
        ..start
    };
    assert_eq!(
        wrong_fields(run::start(&ctx, ORG, PROJECT, APP, &named).await),
        ["variables[0][key]", "variables[1][key]", "variables[3][key]"]
    );
    // The quick way says which input is missing, too.
    assert_eq!(
        wrong_fields(run::start(&ctx, ORG, PROJECT, APP, &"main".into()).await),
        ["inputs[version]"]
    );
    assert_eq!(pipelines(&world).await, 0);
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_has_its_own_form_and_protected_ones_ask_for_more() {
    let world = world_with_inputs().await;
    let ctx = world.ctx();
    let repository = world.sample(APP);
    let branch = json!({ "branch": "plain", "ref": "main" });
    world
        .call(
            "POST",
            &format!("projects/{repository}/repository/branches"),
            branch,
        )
        .await;
    let body = json!({
        "branch": "plain", "commit_message": "without inputs",
        "actions": [{ "action": "update", "file_path": ".gitlab-ci.yml", "content": "a:\n  script: echo a\n" }],
    });
    world
        .call("POST", &format!("projects/{repository}/repository/commits"), body)
        .await;
    let plain = run::form(&ctx, ORG, PROJECT, APP, Some(" plain ")).await.unwrap();
    assert!(plain.asked.inputs.is_empty() && plain.trouble.is_none() && !plain.protected);
    let nowhere = run::form(&ctx, ORG, PROJECT, APP, Some("nowhere")).await.unwrap();
    assert!(nowhere.trouble.unwrap().en.contains("nowhere"));

    let tess = world.member("tess", Role::ProjectTester).await;
    let tester = world.portal.ctx(Actor::User(tess), Via::Web, "test", Locale::En);
    let form = run::form(&tester, ORG, PROJECT, APP, None).await.unwrap();
    assert!(form.protected && !form.may_run);
    let start = Start {
        git_ref: String::from("main"),
        inputs: typed(&[("version", "v1")]),
        ..Start::default()
    };
    assert!(matches!(
        run::start(&tester, ORG, PROJECT, APP, &start).await,
        Err(Error::Forbidden(_))
    ));
    let vera = world.member("vera", Role::ProjectViewer).await;
    let viewer = world.portal.ctx(Actor::User(vera), Via::Web, "test", Locale::En);
    assert!(matches!(
        run::form(&viewer, ORG, PROJECT, APP, None).await,
        Err(Error::Forbidden(_))
    ));
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_of_gitlab_has_its_words() {
    let world = world_with_inputs().await;
    let ctx = world.ctx();
    let start = Start {
        git_ref: String::from("main"),
        inputs: typed(&[("version", "v1")]),
        ..Start::default()
    };
    let faults = world.gitlab.faults();
    let cases = [
        (
            Fault::Status { code: 401 },
            "gitlab",
            "refuses the connection's token",
        ),
        (Fault::Status { code: 403 }, "gitlab_forbidden", "does not allow"),
        (Fault::Status { code: 404 }, "gitlab_not_found", "no such thing"),
        (Fault::Status { code: 409 }, "gitlab_refused", "GitLab refuses"),
        (Fault::Status { code: 422 }, "gitlab_refused", "GitLab refuses"),
        (Fault::RateLimited { retry_after: 3 }, "gitlab", "wait 3 seconds"),
        (Fault::Status { code: 500 }, "gitlab", "GitLab failed"),
        (Fault::Drop, "gitlab", "does not answer"),
    ];
    for (fault, code, words) in cases {
        let on = FaultMatch {
            method: Some(String::from("POST")),
            path_regex: Some(String::from(r"/pipeline(\?|$)")),
        };
        faults.add(on, fault, None).unwrap();
        let error = run::start(&ctx, ORG, PROJECT, APP, &start).await.unwrap_err();
        faults.clear();
        assert_eq!(error.code(), code, "{fault:?}: {error:?}");
        assert!(error.text().en.contains(words), "{fault:?}: {:?}", error.text());
    }
    assert_eq!(pipelines(&world).await, 0);
    world.gitlab.shutdown().await;
}
