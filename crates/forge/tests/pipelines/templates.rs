//! Templates of one's own, from the first line to the merge request of an upgrade. On SQLite and PostgreSQL.

use crate::world::{ORG, PROJECT, World, form};
use slipway_domain::access::Role;
use slipway_domain::id::UpgradeId;
use slipway_domain::person::PersonRef;
use slipway_domain::pipeline::authored::Bump;
use slipway_domain::pipeline::file::merge::Choice;
use slipway_domain::template::{Standing, StepState, UpgradeState, UpgradeView};
use slipway_domain::text::Locale;
use slipway_portal::access::At;
use slipway_portal::template::author::{self, Begin, New, Publication};
use slipway_portal::template::farewell::{self, Farewell};
use slipway_portal::template::{bulk, upgrade, usage};
use slipway_portal::{Actor, Error, OpCtx, Via, app, audit, proposal, repository, working_copy};
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::collections::BTreeMap;

const APP: &str = "storefront";
const FILE: &str = ".gitlab-ci.yml";
pub const KEY: &str = "org.shop";

on_both! {
    a_template_reaches_an_app_and_its_upgrade_does,
    what_was_changed_by_hand_stays_and_is_chosen,
    a_version_never_changes_and_is_as_large_as_its_change,
    many_apps_are_upgraded_and_each_refusal_is_told,
    a_withdrawn_template_takes_nothing_with_it,
    what_is_locked_stays_and_says_who_locked_it,
    who_may_not_publish_does_not_and_strangers_know_nothing,
    an_apps_pipeline_becomes_a_template,
}

pub fn org() -> At<'static> {
    At::new(ORG, None, None)
}

fn here() -> At<'static> {
    At::new(ORG, Some(PROJECT), None)
}

fn as_(world: &World, person: &PersonRef) -> OpCtx {
    world
        .portal
        .ctx(Actor::User(person.clone()), Via::Web, "test", Locale::En)
}

/// The document: `more` are parameters, `script` the commands of its second job.
pub fn document(more: &str, script: &str) -> String {
    format!(
        r#"{{
  "names": {{ "zh": "商店", "en": "Shop" }},
  "summary": {{ "zh": "构建", "en": "Builds" }},
  "params": [
    {{ "id": "goal", "kind": "string", "default": "all", "required": true, "label": {{ "zh": "目标", "en": "Goal" }} }}{more}
  ],
  "graph": {{
    "stages": [ {{ "name": "build" }}, {{ "name": "test" }} ],
    "jobs": [
      {{ "id": "build", "stage": "build", "steps": [ {{ "type": "script@1", "params": {{ "script": "echo build $[[ inputs.goal ]]" }} }} ] }},
      {{ "id": "check", "stage": "test", "steps": [ {{ "type": "script@1", "params": {{ "script": "{script}" }} }} ] }}
    ]
  }},
  "locked_fields": [ {{ "field": "check.script", "why": {{ "zh": "审计", "en": "audited" }} }} ]
}}
"#
    )
}

pub async fn begun(ctx: &OpCtx, at: At<'_>, text: &str) -> String {
    let new = New {
        slug: String::from("shop"),
        name: String::new(),
        begin: Begin::Text(text.to_owned()),
    };
    author::create(ctx, at, &new).await.unwrap().key
}

pub async fn publish(ctx: &OpCtx, at: At<'_>, key: &str, version: &str) -> Result<String, Error> {
    let draft = author::view(ctx, at, key).await.unwrap().draft.unwrap();
    let new = Publication {
        draft: draft.version,
        version: version.to_owned(),
        changelog_zh: format!("改动 {version}"),
        changelog_en: String::new(),
    };
    author::publish(ctx, at, key, &new).await
}

/// Saves a document and publishes it.
pub async fn next(ctx: &OpCtx, text: &str, version: &str) -> Result<String, Error> {
    let draft = author::view(ctx, org(), KEY).await.unwrap().draft.unwrap();
    author::save(ctx, org(), KEY, draft.version, text).await.unwrap();
    publish(ctx, org(), KEY, version).await
}

async fn merged(world: &World, app: &str) {
    let ctx = world.ctx();
    let shown = world
        .until("a merge request that can be merged", || async {
            let page = app::page(&world.ctx(), ORG, PROJECT, app).await.unwrap();
            page.proposal.filter(|proposal| proposal.may_merge)
        })
        .await;
    proposal::merge(&ctx, ORG, PROJECT, app, shown.id).await.unwrap();
}

/// An app with the template's pipeline on its default branch.
pub async fn using(world: &World, app: &str, goal: &str) {
    let ctx = world.ctx();
    world.app(app).await;
    repository::connect(&ctx, ORG, PROJECT, app, None, world.sample(app))
        .await
        .unwrap();
    proposal::propose(&ctx, ORG, PROJECT, app, &form(KEY, &[("goal", goal)]))
        .await
        .unwrap();
    merged(world, app).await;
}

async fn file(world: &World, app: &str) -> String {
    working_copy::open(&world.ctx(), ORG, PROJECT, app)
        .await
        .unwrap()
        .copy
        .base
}

fn refused(answer: Result<impl std::fmt::Debug, Error>) -> (&'static str, String) {
    match answer.expect_err("it is refused") {
        Error::Refused { code, text } | Error::Conflict { code, text } => (code, text.en),
        Error::Invalid(fields) => ("invalid", fields[0].text.en.clone()),
        other => panic!("{other:?}"),
    }
}

async fn a_template_reaches_an_app_and_its_upgrade_does(world: World) {
    let ctx = world.ctx();
    let key = begun(&ctx, org(), &document("", "echo check")).await;
    assert_eq!(key, KEY);
    world.connected(APP).await;
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(
        !gallery.templates.iter().any(|one| one.key == KEY),
        "a draft is nobody's"
    );
    assert_eq!(publish(&ctx, org(), KEY, "").await.unwrap(), "1.0.0");
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(gallery.templates[0].key, KEY);
    assert_eq!(
        (gallery.told[KEY].place.as_str(), gallery.told[KEY].standing),
        ("Acme", Standing::Published)
    );

    proposal::propose(&ctx, ORG, PROJECT, APP, &form(KEY, &[("goal", "shop")]))
        .await
        .unwrap();
    let before = usage::usage(&ctx, org(), KEY).await.unwrap();
    assert!(before.rows.is_empty(), "what is only proposed is not used");
    merged(&world, APP).await;
    let used = usage::usage(&ctx, org(), KEY).await.unwrap();
    assert_eq!(
        (used.rows.len(), used.rows[0].version.as_str(), used.behind()),
        (1, "1.0.0", 0)
    );
    let page = app::page(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(page.suggested.is_none());

    let more =
        r#", { "id": "wait", "kind": "bool", "default": false, "label": { "zh": "等", "en": "Wait" } }"#;
    assert_eq!(
        next(&ctx, &document(more, "echo check twice"), "").await.unwrap(),
        "1.1.0"
    );
    // Nothing happened to the app but that it is told.
    assert!(file(&world, APP).await.contains("echo check\n"));
    let page = app::page(&ctx, ORG, PROJECT, APP).await.unwrap();
    let suggested = page.suggested.expect("a newer version");
    assert_eq!(
        (suggested.to.as_deref(), suggested.bump),
        (Some("1.1.0"), Some(Bump::Minor))
    );
    assert_eq!(suggested.changelog[0].1.zh, "改动");
    let used = usage::usage(&ctx, here(), KEY).await.unwrap();
    assert_eq!(used.behind(), 1);

    let input = upgrade::Input::default();
    let view = upgrade::view(&ctx, ORG, PROJECT, APP, &input).await.unwrap();
    let change = view.change.expect("a version to go to");
    assert!(change.values_known && !change.foreign && change.conflicts.is_empty());
    assert_eq!(change.inputs["goal"], "shop");
    assert_eq!(change.migration.defaulted[0].id, "wait");
    let comparison = change.comparison.unwrap();
    assert_eq!((comparison.params.len(), comparison.jobs), (1, true));
    assert!(change.diff.unwrap().added > 0);

    let view = upgrade::propose(&ctx, ORG, PROJECT, APP, &input).await.unwrap();
    assert_eq!(view.state, "opened");
    merged(&world, APP).await;
    let now = file(&world, APP).await;
    assert!(
        now.contains("template=org.shop@1.1.0") && now.contains("echo check twice"),
        "{now}"
    );
    assert!(now.contains("echo build shop"), "what was filled in is kept");
    assert_eq!(usage::usage(&ctx, org(), KEY).await.unwrap().behind(), 0);
    let again = upgrade::propose(&ctx, ORG, PROJECT, APP, &input).await;
    assert_eq!(refused(again).0, "nothing_changes");

    let query = audit::Query {
        org: ORG.to_owned(),
        ..audit::Query::default()
    };
    let (_, rows) = audit::read(&ctx, &query).await.unwrap();
    let actions: Vec<String> = rows.into_iter().map(|row| row.action).collect();
    for expected in [
        "template.create",
        "template.save",
        "template.publish",
        "pipeline.propose",
    ] {
        assert!(
            actions.iter().any(|action| action == expected),
            "{expected} in {actions:?}"
        );
    }
}

async fn what_was_changed_by_hand_stays_and_is_chosen(world: World) {
    let ctx = world.ctx();
    begun(&ctx, org(), &document("", "echo check")).await;
    publish(&ctx, org(), KEY, "1.0.0").await.unwrap();
    world.connection().await;
    using(&world, APP, "shop").await;
    let by_hand = file(&world, APP)
        .await
        .replace("echo build shop", "echo build shop -j2")
        .replace("echo check", "echo checked by hand");
    world.commit(world.sample(APP), "update", FILE, &by_hand).await;
    next(&ctx, &document("", "echo check twice"), "1.0.1")
        .await
        .unwrap();

    let input = upgrade::Input::default();
    let view = upgrade::view(&ctx, ORG, PROJECT, APP, &input).await.unwrap();
    let change = view.change.unwrap();
    assert_eq!(change.kept, ["build"]);
    assert_eq!(change.conflicts.len(), 1);
    assert_eq!(change.conflicts[0].key, "check");
    let (code, words) = refused(upgrade::propose(&ctx, ORG, PROJECT, APP, &input).await);
    assert_eq!(code, "choose");
    assert!(words.contains("check"), "{words}");

    let chosen = upgrade::Input {
        choices: BTreeMap::from([(String::from("check"), Choice::Draft)]),
        ..input
    };
    upgrade::propose(&ctx, ORG, PROJECT, APP, &chosen).await.unwrap();
    merged(&world, APP).await;
    let now = file(&world, APP).await;
    assert!(
        now.contains("echo build shop -j2") && now.contains("echo check twice"),
        "{now}"
    );
    assert!(!now.contains("org.shop@1.0.0"), "{now}");
}

async fn a_version_never_changes_and_is_as_large_as_its_change(world: World) {
    let ctx = world.ctx();
    begun(&ctx, org(), &document("", "echo check")).await;
    publish(&ctx, org(), KEY, "1.0.0").await.unwrap();
    assert_eq!(
        refused(publish(&ctx, org(), KEY, "1.0.1").await).0,
        "nothing_changes"
    );
    let gone = document("", "echo check")
        .replace("\"goal\"", "\"aim\"")
        .replace("inputs.goal", "inputs.aim");
    let words = refused(next(&ctx, &gone, "1.1.0").await).1;
    assert!(words.contains("2.0.0"), "{words}");
    let words = refused(publish(&ctx, org(), KEY, "0.9.0").await).1;
    assert!(words.contains("after 1.0.0"), "{words}");
    assert_eq!(publish(&ctx, org(), KEY, "").await.unwrap(), "2.0.0");
    let (text, form, _) = author::version(&ctx, org(), KEY, "1.0.0").await.unwrap();
    assert_eq!(
        (text, form.params[0].id.as_str()),
        (document("", "echo check"), "goal")
    );

    // Two authors: nobody overwrites what they have not seen; a document with errors is kept and not published.
    let draft = author::view(&ctx, org(), KEY).await.unwrap().draft.unwrap();
    author::save(&ctx, org(), KEY, draft.version, "{ broken")
        .await
        .unwrap();
    let (code, words) = refused(author::save(&ctx, org(), KEY, draft.version, "{}").await);
    assert_eq!(code, "template_changed");
    assert!(words.contains("Dana"), "{words}");
    let (code, words) = refused(publish(&ctx, org(), KEY, "").await);
    assert_eq!(code, "template_has_errors");
    assert!(words.starts_with("Line 1, column "), "{words}");
    assert_eq!(
        author::view(&ctx, org(), KEY).await.unwrap().draft.unwrap().text,
        "{ broken"
    );
    assert_eq!(
        refused(author::delete(&ctx, org(), KEY, draft.version + 1).await).0,
        "template_published"
    );
    let twice = New {
        slug: String::from("shop"),
        name: String::new(),
        begin: Begin::Scratch,
    };
    assert!(
        refused(author::create(&ctx, org(), &twice).await)
            .1
            .contains("this name")
    );
    // The same slug is free in a project, and a draft there can go.
    assert_eq!(
        author::create(&ctx, here(), &twice).await.unwrap().key,
        "project.shop"
    );
    author::delete(&ctx, here(), "project.shop", 1).await.unwrap();
    assert!(matches!(
        author::view(&ctx, here(), "project.shop").await,
        Err(Error::NotFound)
    ));
}

async fn ended(world: &World, id: UpgradeId) -> UpgradeView {
    world
        .until("the bulk upgrade to end", || async {
            let view = bulk::view(&world.ctx(), org(), id).await.unwrap();
            (view.row.state != UpgradeState::Running).then_some(view)
        })
        .await
}

async fn many_apps_are_upgraded_and_each_refusal_is_told(world: World) {
    let ctx = world.ctx();
    begun(&ctx, org(), &document("", "echo check")).await;
    publish(&ctx, org(), KEY, "1.0.0").await.unwrap();
    world.connection().await;
    for app in ["storefront", "order-api", "ledger"] {
        using(&world, app, app).await;
    }
    let by_hand = file(&world, "ledger").await.replace("echo check", "echo by hand");
    world
        .commit(world.sample("ledger"), "update", FILE, &by_hand)
        .await;
    next(&ctx, &document("", "echo check twice"), "").await.unwrap();
    assert_eq!(usage::usage(&ctx, org(), KEY).await.unwrap().behind(), 3);

    // GitLab is away at first: the app waits, and is asked about again.
    let files = FaultMatch {
        method: None,
        path_regex: Some(String::from("/repository/files/")),
    };
    let faults = world.gitlab.faults();
    faults.add(files, Fault::Status { code: 503 }, Some(1)).unwrap();
    let id = bulk::start(&ctx, org(), KEY, "", &[]).await.unwrap();
    assert_eq!(refused(bulk::start(&ctx, org(), KEY, "", &[]).await).0, "running");
    let view = ended(&world, id).await;
    assert_eq!(
        (
            view.row.counts.proposed,
            view.row.counts.refused,
            view.row.counts.waiting
        ),
        (2, 1, 0)
    );
    let refused_one = view
        .steps
        .iter()
        .find(|step| step.state == StepState::Refused)
        .unwrap();
    assert_eq!(refused_one.place.app.as_ref().unwrap().slug, "ledger");
    assert!(
        refused_one
            .reason
            .as_ref()
            .unwrap()
            .en
            .contains("check changed by hand")
    );
    for step in view.steps.iter().filter(|step| step.state == StepState::Proposed) {
        assert!(
            step.web_url
                .as_ref()
                .is_some_and(|url| url.contains("merge_requests")),
            "{step:?}"
        );
    }
    // Nothing is merged by itself.
    assert!(!file(&world, "order-api").await.contains("twice"));

    // Once more: what has its merge request keeps it, what was refused is refused again.
    bulk::retry(&ctx, org(), id).await.unwrap();
    let view = ended(&world, id).await;
    assert_eq!((view.row.counts.proposed, view.row.counts.refused), (2, 1));
    assert_eq!(refused(bulk::stop(&ctx, org(), id).await).0, "not_running");

    // Who may see and not propose does not start it.
    let viewer = world.member("vera", Role::ProjectViewer).await;
    let denied = bulk::start(&as_(&world, &viewer), here(), KEY, "", &[]).await;
    assert!(
        matches!(denied, Err(Error::Refused { .. } | Error::Forbidden(_))),
        "{denied:?}"
    );
}

async fn a_withdrawn_template_takes_nothing_with_it(world: World) {
    let ctx = world.ctx();
    begun(&ctx, org(), &document("", "echo check")).await;
    publish(&ctx, org(), KEY, "1.0.0").await.unwrap();
    world.connection().await;
    using(&world, APP, "shop").await;
    next(&ctx, &document("", "echo check twice"), "").await.unwrap();
    proposal::save_draft(&ctx, ORG, PROJECT, APP, &form(KEY, &[("goal", "typed")]))
        .await
        .unwrap();
    let farewell = Farewell {
        why: String::from("Too slow."),
        successor: String::from("node"),
    };
    farewell::deprecate(&ctx, org(), KEY, &farewell).await.unwrap();
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(
        gallery.told[KEY]
            .warning()
            .unwrap()
            .en
            .contains("Use node instead")
    );
    farewell::withdraw(&ctx, org(), KEY, &farewell).await.unwrap();

    // The file, what was typed, and the form it was typed into are all there.
    assert!(file(&world, APP).await.contains("org.shop@1.0.0"));
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(gallery.draft.as_ref().unwrap().inputs["goal"], "typed");
    assert!(gallery.templates.iter().any(|one| one.key == KEY));
    let proposed = proposal::propose(&ctx, ORG, PROJECT, APP, &form(KEY, &[("goal", "typed more")])).await;
    let (code, words) = refused(proposed);
    assert_eq!(code, "template_withdrawn");
    assert!(
        words.contains("Too slow") && words.contains("what you typed is kept"),
        "{words}"
    );
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(gallery.draft.unwrap().inputs["goal"], "typed more");
    let suggested = gallery.suggested.unwrap();
    assert!(suggested.to.is_none() && suggested.warning.is_some());
    assert!(
        !proposal::gallery(
            &as_(&world, &world.member("ted", Role::ProjectDeveloper).await),
            ORG,
            PROJECT,
            APP
        )
        .await
        .unwrap()
        .templates
        .iter()
        .any(|one| one.key == KEY)
    );

    farewell::restore(&ctx, org(), KEY).await.unwrap();
    upgrade::propose(&ctx, ORG, PROJECT, APP, &upgrade::Input::default())
        .await
        .unwrap();
}

async fn what_is_locked_stays_and_says_who_locked_it(world: World) {
    let ctx = world.ctx();
    begun(&ctx, org(), &document("", "echo check")).await;
    publish(&ctx, org(), KEY, "1.0.0").await.unwrap();
    world.connection().await;
    using(&world, APP, "shop").await;
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(view.locks.len(), 1);
    assert!(view.locks[0].text().en.contains("Dana (Acme)"));
    let save = |version, text: String| working_copy::Save {
        version,
        base_commit: view.copy.base_commit.clone(),
        base: None,
        text,
    };
    let changed = view.copy.text.replace("echo check", "echo nothing");
    let version = working_copy::save(&ctx, ORG, PROJECT, APP, &save(0, changed))
        .await
        .unwrap();
    let (code, words) = refused(working_copy::propose(&ctx, ORG, PROJECT, APP, version, "").await);
    assert_eq!(code, "locked");
    assert!(
        words.contains("check: script") && words.contains("audited"),
        "{words}"
    );
    let free = view.copy.text.replace("echo build shop", "echo build more");
    let version = working_copy::save(&ctx, ORG, PROJECT, APP, &save(version, free))
        .await
        .unwrap();
    working_copy::propose(&ctx, ORG, PROJECT, APP, version, "")
        .await
        .unwrap();
    // An edited pipeline that is proposed is not replaced by an upgrade.
    next(&ctx, &document("", "echo check twice"), "").await.unwrap();
    let (code, _) = refused(upgrade::propose(&ctx, ORG, PROJECT, APP, &upgrade::Input::default()).await);
    assert_eq!(code, "proposal_open");
}

async fn who_may_not_publish_does_not_and_strangers_know_nothing(world: World) {
    let ctx = world.ctx();
    begun(&ctx, org(), &document("", "echo check")).await;
    let developer = as_(&world, &world.member("dev", Role::ProjectDeveloper).await);
    let new = New {
        slug: String::from("mine"),
        name: String::new(),
        begin: Begin::Scratch,
    };
    assert!(matches!(
        author::create(&developer, here(), &new).await,
        Err(Error::Forbidden(_))
    ));
    assert!(
        matches!(author::view(&developer, here(), KEY).await, Err(Error::NotFound)),
        "a draft"
    );
    publish(&ctx, org(), KEY, "").await.unwrap();
    let seen = author::view(&developer, here(), KEY).await.unwrap();
    assert!(seen.draft.is_none() && !seen.may_publish && seen.newest.is_some());
    assert!(matches!(
        farewell::withdraw(&developer, here(), KEY, &Farewell::default()).await,
        Err(Error::Forbidden(_))
    ));
    let lead = as_(&world, &world.member("lea", Role::ProjectLead).await);
    assert_eq!(
        author::create(&lead, here(), &new).await.unwrap().key,
        "project.mine"
    );
    assert!(author::create(&lead, org(), &new).await.is_err());
    // A project's lead does not write the organization's templates from there.
    assert!(matches!(
        farewell::withdraw(&lead, here(), KEY, &Farewell::default()).await,
        Err(Error::NotFound)
    ));

    let list = author::list(&developer, here()).await.unwrap();
    assert!(list.own.is_empty(), "drafts are their authors'");
    assert_eq!(list.above.len(), 1);
    let stranger = slipway_portal::person::NewAccount {
        username: String::from("eve"),
        name: String::from("Eve"),
        email: None,
        password: String::from("correct horse"),
    };
    let eve = slipway_portal::person::create(&world.portal.system("test"), stranger)
        .await
        .unwrap();
    let eve = as_(&world, &eve);
    assert!(matches!(author::list(&eve, org()).await, Err(Error::NotFound)));
    assert!(matches!(
        author::view(&eve, here(), KEY).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        usage::usage(&eve, here(), "node").await,
        Err(Error::NotFound)
    ));
}

async fn an_apps_pipeline_becomes_a_template(world: World) {
    let ctx = world.ctx();
    world.connected(APP).await;
    let plain =
        "build:\n  image: node:22\n  script: [make]\n\nodd:\n  extends: .base\n\n.base:\n  script: [b]\n";
    world.commit(world.sample(APP), "create", FILE, plain).await;
    let new = New {
        slug: String::from("from-app"),
        name: String::from("From an app"),
        begin: Begin::App(PROJECT.to_owned(), APP.to_owned()),
    };
    let made = author::create(&ctx, here(), &new).await.unwrap();
    assert_eq!(
        (made.key.as_str(), made.left),
        ("project.from-app", vec![String::from("odd")])
    );
    publish(&ctx, here(), &made.key, "").await.unwrap();
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, APP).await.unwrap();
    let template = gallery.templates.iter().find(|one| one.key == made.key).unwrap();
    assert_eq!(template.params[0].default, Some("node:22".into()));
}
