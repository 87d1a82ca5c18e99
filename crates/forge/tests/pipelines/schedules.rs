//! Schedules, and the variables of a repository.

use crate::world::{ORG, PROJECT, World};
use serde_json::json;
use slipway_domain::access::Role;
use slipway_domain::text::Locale;
use slipway_domain::variable::{Variable, VariableKind, Visibility};
use slipway_portal::run::Given;
use slipway_portal::schedule::{self, Act, Input};
use slipway_portal::{Actor, Error, Via, variable};
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::collections::BTreeMap;

const APP: &str = "storefront";
const AT: (&str, &str, &str) = (ORG, PROJECT, APP);
const FILE: &str = "\
spec:
  inputs:
    target: { default: all }
---
nightly:
  script: echo \"target=$[[ inputs.target ]] key=$KEY\"
";

async fn connected() -> World {
    let world = World::new().await;
    world.connected(APP).await;
    world
        .commit(world.sample(APP), "create", ".gitlab-ci.yml", FILE)
        .await;
    world
}

fn nightly() -> Input {
    Input {
        description: String::from("nightly"),
        git_ref: String::from("main"),
        cron: String::from(" 30  2 * * 1-5 "),
        zone: String::from("asia/shanghai"),
        active: true,
        inputs: Given::Typed(BTreeMap::from([(String::from("target"), String::from("arm64"))])),
        variables: vec![Variable {
            key: String::from("KEY"),
            value: String::from("hush-hush-1"),
            kind: VariableKind::Env,
        }],
        dropped: Vec::new(),
    }
}

fn on(path: &str) -> FaultMatch {
    FaultMatch {
        method: None,
        path_regex: Some(path.to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_made_shown_played_changed_and_deleted() {
    let world = connected().await;
    let ctx = world.ctx();
    assert!(schedule::list(&ctx, AT).await.unwrap().schedules.is_empty());
    let id = schedule::create(&ctx, AT, &nightly()).await.unwrap();
    let list = schedule::list(&ctx, AT).await.unwrap();
    let shown = &list.schedules[0];
    assert_eq!(
        (shown.id, shown.cron.as_str(), shown.zone.as_str()),
        (id, "30 2 * * 1-5", "Asia/Shanghai")
    );
    assert!(shown.active && shown.ours && shown.last.is_none() && list.may_edit);
    assert_eq!(shown.next.len(), 5);
    assert!(
        shown.next.iter().all(|time| time.local.ends_with("02:30 +08:00")),
        "{:?}",
        shown.next
    );
    assert_eq!(shown.variables[0].key, "KEY");
    assert_eq!(
        (shown.inputs[0].name.as_str(), &shown.inputs[0].value),
        ("target", &json!("arm64"))
    );
    assert_eq!(shown.owner.as_deref(), Some("root"));

    schedule::act(&ctx, AT, id, Act::Play).await.unwrap();
    let number = world
        .until("the run of the schedule", || async {
            let list = schedule::list(&world.ctx(), AT).await.unwrap();
            list.schedules[0].last.as_ref().and_then(|last| last.number)
        })
        .await;
    let view = world.finished(APP, number).await;
    let words = world.words(APP, &view).await;
    assert!(words.contains("target=arm64 key=hush-hush-1"), "{words}");

    // Another value for what is there, one that is new, and the input's default again.
    let changed = Input {
        description: String::from("weekly"),
        cron: String::from("0 6 * * 0"),
        zone: String::from("UTC"),
        active: false,
        inputs: Given::default(),
        variables: ["KEY", "MORE"]
            .map(|key| Variable {
                key: key.to_owned(),
                value: String::from("second-value"),
                kind: VariableKind::Env,
            })
            .to_vec(),
        ..nightly()
    };
    schedule::update(&ctx, AT, id, &changed).await.unwrap();
    let kept = world
        .call(
            "GET",
            &format!("projects/{}/pipeline_schedules/{id}", world.sample(APP)),
            json!(null),
        )
        .await;
    assert_eq!(
        (kept["description"].as_str(), kept["active"].as_bool()),
        (Some("weekly"), Some(false))
    );
    assert_eq!(kept["variables"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&kept["variables"][0]["value"], &kept["inputs"]),
        (&json!("second-value"), &json!([]))
    );
    let dropping = Input {
        dropped: vec![String::from("MORE"), String::from("NEVER_THERE")],
        variables: Vec::new(),
        ..changed
    };
    schedule::update(&ctx, AT, id, &dropping).await.unwrap();
    let list = schedule::list(&ctx, AT).await.unwrap();
    let keys: Vec<_> = list.schedules[0]
        .variables
        .iter()
        .map(|v| v.key.as_str())
        .collect();
    assert_eq!(keys, ["KEY"]);
    assert!(
        list.schedules[0].next.is_empty(),
        "an inactive one has no next time"
    );

    schedule::act(&ctx, AT, id, Act::Delete).await.unwrap();
    assert!(schedule::list(&ctx, AT).await.unwrap().schedules.is_empty());
    assert!(matches!(
        schedule::act(&ctx, AT, id, Act::Play).await,
        Err(Error::NotFound)
    ));

    let rows = world.log_of(APP).await;
    for action in [
        "schedule.create",
        "schedule.play",
        "schedule.edit",
        "schedule.delete",
    ] {
        let row = rows.iter().find(|row| row.action == action).expect(action);
        assert!(!row.summary.to_string().contains("hush"), "{action}");
    }
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_schedule_is_told_together_and_before_gitlab_is_asked() {
    let world = connected().await;
    let ctx = world.ctx();
    let wrong = Input {
        description: String::new(),
        cron: String::from("61 * * * *"),
        zone: String::from("Beijing"),
        inputs: Given::Typed(BTreeMap::from([(String::from("nowhere"), String::from("x"))])),
        variables: vec![Variable {
            key: String::from("A-B"),
            ..Variable::default()
        }],
        ..nightly()
    };
    let Err(Error::Invalid(fields)) = schedule::create(&ctx, AT, &wrong).await else {
        panic!("it is refused");
    };
    let names: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(
        names,
        [
            "description",
            "cron",
            "zone",
            "inputs[nowhere]",
            "variables[0][key]"
        ]
    );
    assert!(schedule::list(&ctx, AT).await.unwrap().schedules.is_empty());
    let preview = schedule::preview(&ctx, "0 0 * * *", "Europe/Berlin")
        .await
        .unwrap();
    assert_eq!((preview.next.len(), preview.cron, preview.zone), (5, None, None));

    // Somebody who may not run on main cannot have GitLab do it at night.
    let dora = world.member("dora", Role::ProjectDeveloper).await;
    let developer = world.portal.ctx(Actor::User(dora), Via::Web, "test", Locale::En);
    assert!(matches!(
        schedule::create(&developer, AT, &nightly()).await,
        Err(Error::Forbidden(_))
    ));
    let id = schedule::create(&ctx, AT, &nightly()).await.unwrap();
    for act in [Act::Play, Act::Own, Act::Delete] {
        assert!(matches!(
            schedule::act(&developer, AT, id, act).await,
            Err(Error::Forbidden(_))
        ));
    }
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_is_half_made_does_not_run_and_says_what_is_missing() {
    let world = connected().await;
    let ctx = world.ctx();
    world
        .gitlab
        .faults()
        .add(
            on("/pipeline_schedules/[0-9]+/variables"),
            Fault::Status { code: 502 },
            Some(1),
        )
        .unwrap();
    let error = schedule::create(&ctx, AT, &nightly()).await.unwrap_err();
    assert!(
        error.text().en.contains("saved, but not “KEY”"),
        "{:?}",
        error.text()
    );
    let list = schedule::list(&ctx, AT).await.unwrap();
    assert!(!list.schedules[0].active, "without its variables it does not run");
    schedule::update(&ctx, AT, list.schedules[0].id, &nightly())
        .await
        .unwrap();
    let list = schedule::list(&ctx, AT).await.unwrap();
    assert!(list.schedules[0].active && list.schedules[0].variables.len() == 1);
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_of_others_are_taken_over_and_an_outage_shows_the_last_known() {
    let world = connected().await;
    let ctx = world.ctx();
    // The connection knows whose token it has once it was tested.
    let known = slipway_portal::connection::list(&ctx, ORG)
        .await
        .unwrap()
        .connections;
    slipway_portal::connection::test(&ctx, ORG, known[0].id)
        .await
        .unwrap();
    let repository = world.sample(APP);
    let other = json!({ "username": "olga", "name": "Olga", "email": "olga@acme.example", "password": "correct horse 9" });
    let olga = world.call("POST", "users", other).await["id"].as_u64().unwrap();
    world
        .call(
            "POST",
            &format!("projects/{repository}/members"),
            json!({ "user_id": olga, "access_level": 40 }),
        )
        .await;
    let token = json!({ "name": "t", "scopes": ["api"], "expires_at": "2099-01-01" });
    let token = world
        .call("POST", &format!("users/{olga}/personal_access_tokens"), token)
        .await;
    let made = reqwest::Client::new()
        .post(format!("{}/api/v4/projects/{repository}/pipeline_schedules", world.gitlab.url()))
        .header("private-token", token["token"].as_str().unwrap())
        .json(&json!({ "description": "hers", "ref": "refs/heads/main", "cron": "0 1 * * *", "cron_timezone": "UTC" }))
        .send()
        .await
        .unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    let list = schedule::list(&ctx, AT).await.unwrap();
    let hers = &list.schedules[0];
    assert_eq!(
        (hers.owner.as_deref(), hers.ours, hers.git_ref.as_str()),
        (Some("olga"), false, "main")
    );
    schedule::act(&ctx, AT, hers.id, Act::Own).await.unwrap();
    let list = schedule::list(&ctx, AT).await.unwrap();
    assert!(list.schedules[0].ours && list.trouble.is_none());

    let faults = world.gitlab.faults();
    faults.add(on("."), Fault::Status { code: 503 }, None).unwrap();
    world.clock.advance(slipway_domain::time::HOUR);
    let away = schedule::list(&ctx, AT).await.unwrap();
    assert_eq!((away.schedules.len(), away.as_of), (1, list.as_of));
    assert!(away.trouble.unwrap().en.contains("GitLab failed"));
    faults.clear();
    assert!(schedule::list(&ctx, AT).await.unwrap().trouble.is_none());
    world.gitlab.shutdown().await;
}

fn secret(key: &str) -> variable::Input {
    variable::Input {
        key: key.to_owned(),
        value: String::from("hush-hush-2"),
        visibility: Visibility::Masked,
        protected: true,
        ..variable::Input::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_go_to_gitlab_and_their_values_never_come_back() {
    let world = connected().await;
    let ctx = world.ctx();
    variable::create(&ctx, AT, &secret("DEPLOY_KEY")).await.unwrap();
    let hidden = variable::Input {
        scope: String::from("review/*"),
        kind: VariableKind::File,
        visibility: Visibility::Hidden,
        raw: true,
        description: String::from("for reviews"),
        ..secret("DEPLOY_KEY")
    };
    variable::create(&ctx, AT, &hidden).await.unwrap();
    let list = variable::list(&ctx, AT).await.unwrap();
    let shown: Vec<_> = list
        .variables
        .iter()
        .map(|row| {
            (
                row.scope.as_str(),
                row.visibility,
                row.protected,
                row.raw,
                row.kind,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("*", Visibility::Masked, true, false, VariableKind::Env),
            ("review/*", Visibility::Hidden, true, true, VariableKind::File)
        ]
    );
    let path = format!(
        "projects/{}/variables/DEPLOY_KEY?filter[environment_scope]=*",
        world.sample(APP)
    );
    assert_eq!(
        world.call("GET", &path, json!(null)).await["value"],
        "hush-hush-2"
    );

    // Without a value the one it has stays; the other one of the name is left alone.
    let edit = variable::Input {
        value: String::new(),
        protected: false,
        ..secret("ignored")
    };
    variable::update(&ctx, AT, ("DEPLOY_KEY", "*"), &edit)
        .await
        .unwrap();
    let kept = world.call("GET", &path, json!(null)).await;
    assert_eq!(
        (&kept["value"], &kept["protected"]),
        (&json!("hush-hush-2"), &json!(false))
    );
    let moved = variable::Input {
        value: String::from("another-value"),
        scope: String::from("production"),
        ..secret("")
    };
    variable::update(&ctx, AT, ("DEPLOY_KEY", "*"), &moved)
        .await
        .unwrap();
    let kept_for: Vec<String> = variable::list(&ctx, AT)
        .await
        .unwrap()
        .variables
        .into_iter()
        .map(|row| row.scope)
        .collect();
    assert_eq!(kept_for, ["production", "review/*"]);
    variable::remove(&ctx, AT, ("DEPLOY_KEY", "review/*"))
        .await
        .unwrap();
    assert_eq!(variable::list(&ctx, AT).await.unwrap().variables.len(), 1);

    // Nothing that Slipway keeps has a value.
    let rows = world.log_of(APP).await;
    assert_eq!(
        rows.iter()
            .filter(|row| row.action.starts_with("variable."))
            .count(),
        5
    );
    let database = world.database.trim_start_matches("sqlite://").to_owned();
    for file in [database.clone(), format!("{database}-wal")] {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for value in ["hush-hush-2", "another-value"] {
            assert!(
                !bytes.windows(value.len()).any(|part| part == value.as_bytes()),
                "{value} stands in {file}"
            );
        }
    }
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gitlabs_rules_on_variables_are_told_before_anything_is_sent() {
    let world = connected().await;
    let ctx = world.ctx();
    // Whoever asks GitLab now is seen to.
    world
        .gitlab
        .faults()
        .add(on("."), Fault::Status { code: 503 }, None)
        .unwrap();
    let cases = [
        (
            variable::Input {
                key: String::from("A-B"),
                ..secret("")
            },
            "key",
        ),
        (
            variable::Input {
                value: String::from("short"),
                ..secret("K")
            },
            "secret_value",
        ),
        (
            variable::Input {
                value: String::from("two words here"),
                ..secret("K")
            },
            "secret_value",
        ),
        (
            variable::Input {
                value: String::from("dollar$$$sign"),
                ..secret("K")
            },
            "secret_value",
        ),
        (
            variable::Input {
                scope: String::from("a,b"),
                ..secret("K")
            },
            "scope",
        ),
        (
            variable::Input {
                description: "x".repeat(256),
                ..secret("K")
            },
            "description",
        ),
    ];
    for (input, field) in cases {
        let Err(Error::Invalid(fields)) = variable::create(&ctx, AT, &input).await else {
            panic!("{field} is refused");
        };
        assert_eq!(fields[0].field, field);
        assert!(!fields[0].text.en.contains("dollar"), "never the value");
    }
    world.gitlab.faults().clear();
    variable::create(&ctx, AT, &secret("K")).await.unwrap();
    let Err(Error::Invalid(taken)) = variable::create(&ctx, AT, &secret("K")).await else {
        panic!("taken");
    };
    assert_eq!(taken[0].field, "key");
    let hiding = variable::Input {
        visibility: Visibility::Hidden,
        ..secret("K")
    };
    let Err(Error::Invalid(fields)) = variable::update(&ctx, AT, ("K", "*"), &hiding).await else {
        panic!("only a new one is hidden");
    };
    assert_eq!(fields[0].field, "visibility");
    assert!(matches!(
        variable::remove(&ctx, AT, ("K", "production")).await,
        Err(Error::NotFound)
    ));
    // Developers neither see nor change them.
    let dora = world.member("dora", Role::ProjectDeveloper).await;
    let developer = world.portal.ctx(Actor::User(dora), Via::Web, "test", Locale::En);
    assert!(matches!(
        variable::list(&developer, AT).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        variable::create(&developer, AT, &secret("MINE")).await,
        Err(Error::Forbidden(_))
    ));
    world.gitlab.shutdown().await;
}
