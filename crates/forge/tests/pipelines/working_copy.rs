//! Editing the pipeline that is there: saved, brought together, proposed. On SQLite and PostgreSQL.

use crate::world::{ORG, PROJECT, World, form};
use slipway_domain::access::Role;
use slipway_domain::person::PersonRef;
use slipway_domain::pipeline::file::merge::Choice;
use slipway_domain::proposal::LintView;
use slipway_domain::text::Locale;
use slipway_portal::working_copy::{self, Base, Save};
use slipway_portal::{Actor, Error, OpCtx, Via, app, proposal};
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::collections::BTreeMap;

const APP: &str = "storefront";
const FILE: &str = ".gitlab-ci.yml";
const PIPELINE: &str = "# ours\nbuild:\n  script: [make]   # quick\n\ntest:\n  script:\n    - make test\n";

on_both! {
    a_file_is_edited_and_proposed_as_it_is,
    two_editors_do_not_overwrite_each_other,
    what_changed_in_the_repository_is_brought_together,
    what_is_typed_outlives_a_gitlab_that_is_down,
    a_lint_that_fails_or_is_slow_takes_nothing_with_it,
    what_gitlab_would_refuse_is_not_proposed,
    a_draft_is_not_replaced_without_a_word,
    who_only_sees_it_cannot_change_it,
}

fn as_(world: &World, person: &PersonRef) -> OpCtx {
    world
        .portal
        .ctx(Actor::User(person.clone()), Via::Web, "test", Locale::En)
}

fn save(version: i64, base_commit: Option<&str>, text: &str) -> Save {
    Save {
        version,
        base_commit: base_commit.map(str::to_owned),
        base: None,
        text: text.to_owned(),
    }
}

/// An app whose repository has [`PIPELINE`]; the commit that brought it.
async fn with_pipeline(world: &World) -> String {
    world.connected(APP).await;
    world.commit(world.sample(APP), "create", FILE, PIPELINE).await;
    let view = working_copy::open(&world.ctx(), ORG, PROJECT, APP).await.unwrap();
    assert_eq!((view.copy.text.as_str(), view.copy.version), (PIPELINE, 0));
    assert!(view.trouble.is_none() && view.moved.is_none() && view.may_edit);
    view.copy.base_commit.expect("a commit")
}

async fn put(ctx: &OpCtx, input: &Save) -> Result<i64, Error> {
    working_copy::save(ctx, ORG, PROJECT, APP, input).await
}

async fn a_file_is_edited_and_proposed_as_it_is(world: World) {
    let ctx = world.ctx();
    let commit = with_pipeline(&world).await;
    let nothing = working_copy::propose(&ctx, ORG, PROJECT, APP, 0, "").await;
    assert!(matches!(
        nothing,
        Err(Error::Refused {
            code: "nothing_changes",
            ..
        })
    ));
    let text = PIPELINE.replace("make test", "make check");
    let version = put(&ctx, &save(0, Some(&commit), &text)).await.unwrap();
    assert_eq!(version, 1);
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(
        (view.copy.text.as_str(), view.copy.base.as_str()),
        (text.as_str(), PIPELINE)
    );
    assert_eq!(
        view.copy.updated_by.as_ref().map(|by| by.name.as_str()),
        Some("Dana")
    );

    let checked = working_copy::check(&ctx, ORG, PROJECT, APP, &text).await.unwrap();
    assert!(
        matches!(checked.lint, LintView::Answered { valid: true, .. }),
        "{checked:?}"
    );
    let diff = checked.diff.unwrap();
    assert_eq!((diff.added, diff.removed), (1, 1));

    let proposed = working_copy::propose(&ctx, ORG, PROJECT, APP, version, "")
        .await
        .unwrap();
    assert_eq!(
        (proposed.state.as_str(), proposed.title.as_str()),
        ("opened", "Pipeline: test")
    );
    let repository = world.sample(APP);
    let path = format!(
        "projects/{repository}/repository/files/.gitlab-ci.yml/raw?ref={}",
        proposed.branch.replace('/', "%2F")
    );
    let raw = reqwest::Client::new()
        .get(format!("{}/api/v4/{path}", world.gitlab.url()))
        .header("private-token", world.gitlab.admin_token())
        .send()
        .await
        .unwrap();
    assert_eq!(raw.text().await.unwrap(), text, "byte for byte");

    // Edited on, the same merge request is updated.
    let more = text.replace("# quick", "# very quick");
    let version = put(&ctx, &save(version, Some(&commit), &more)).await.unwrap();
    let again = working_copy::propose(&ctx, ORG, PROJECT, APP, version, "Quicker")
        .await
        .unwrap();
    assert_eq!((again.id, again.title.as_str()), (proposed.id, "Quicker"));

    // Merged, the draft is what the repository has.
    let shown = world
        .until("a merge request that can be merged", || async {
            let page = app::page(&world.ctx(), ORG, PROJECT, APP).await.unwrap();
            page.proposal.filter(|proposal| proposal.may_merge)
        })
        .await;
    proposal::merge(&ctx, ORG, PROJECT, APP, shown.id).await.unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(!view.copy.is_changed() && view.moved.is_none() && view.proposal.is_none());
    assert_eq!(
        (view.copy.text.as_str(), view.copy.version),
        (more.as_str(), version)
    );
    assert_ne!(view.copy.base_commit.as_deref(), Some(commit.as_str()));
    // And goes on from there.
    let next = more.replace("very quick", "quick");
    let base = view.copy.base_commit.clone();
    put(&ctx, &save(version, base.as_deref(), &next)).await.unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(
        (view.copy.base.as_str(), view.copy.text.as_str()),
        (more.as_str(), next.as_str())
    );
}

async fn two_editors_do_not_overwrite_each_other(world: World) {
    let ctx = world.ctx();
    let commit = with_pipeline(&world).await;
    let bob = world.member("bob", Role::ProjectDeveloper).await;
    let bobs = as_(&world, &bob);
    working_copy::arrive(&ctx, ORG, PROJECT, APP).await.unwrap();
    working_copy::arrive(&bobs, ORG, PROJECT, APP).await.unwrap();
    let there = working_copy::presence(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(there.editors, std::slice::from_ref(&bob));
    assert_eq!(there.version, 0);

    let mine = PIPELINE.replace("make test", "make check");
    put(&ctx, &save(0, Some(&commit), &mine)).await.unwrap();
    let his = PIPELINE.replace("[make]", "[make, make install]");
    let refused = put(&bobs, &save(0, Some(&commit), &his)).await;
    let Err(Error::Conflict { code, text }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(code, "working_copy_changed");
    assert!(text.en.contains("Dana"), "{}", text.en);
    let saved = working_copy::saved(&bobs, ORG, PROJECT, APP)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(saved.text, mine, "nothing is overwritten");
    let both = slipway_domain::working_copy::rebase(PIPELINE, &saved.text, &his)
        .unwrap()
        .unwrap();
    assert!(both.contains("make check") && both.contains("make install"));
    put(&bobs, &save(1, Some(&commit), &both)).await.unwrap();
    let there = working_copy::presence(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!((there.version, there.updated_by), (2, Some(bob)));
    assert!(matches!(
        working_copy::discard(&ctx, ORG, PROJECT, APP, 1).await,
        Err(Error::Conflict { .. })
    ));
    assert!(matches!(
        working_copy::propose(&ctx, ORG, PROJECT, APP, 1, "").await,
        Err(Error::Conflict {
            code: "working_copy_changed",
            ..
        })
    ));
    world.clock.advance(slipway_domain::working_copy::PRESENT + 1);
    let there = working_copy::presence(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(there.editors.is_empty(), "who left is not shown");
    working_copy::discard(&ctx, ORG, PROJECT, APP, 2).await.unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!((view.copy.text.as_str(), view.copy.version), (PIPELINE, 0));
}

async fn what_changed_in_the_repository_is_brought_together(world: World) {
    let ctx = world.ctx();
    let commit = with_pipeline(&world).await;
    let mine = PIPELINE.replace("make test", "make check");
    put(&ctx, &save(0, Some(&commit), &mine)).await.unwrap();
    let theirs = PIPELINE
        .replace("# quick", "# slow")
        .replace("make test", "ninja test");
    world.commit(world.sample(APP), "update", FILE, &theirs).await;

    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(view.copy.text, mine, "what was typed is still there");
    assert_eq!(
        view.moved.as_ref().map(|moved| moved.text.as_str()),
        Some(theirs.as_str())
    );
    let refused = working_copy::propose(&ctx, ORG, PROJECT, APP, 1, "").await;
    assert!(
        matches!(
            refused,
            Err(Error::Conflict {
                code: "file_changed",
                ..
            })
        ),
        "{refused:?}"
    );

    let choose = working_copy::take_over(&ctx, ORG, PROJECT, APP, 1, &BTreeMap::new()).await;
    let Err(Error::Refused { code: "choose", text }) = choose else {
        panic!("{choose:?}")
    };
    assert!(
        text.en.contains("test") && !text.en.contains("build"),
        "{}",
        text.en
    );
    let choices = BTreeMap::from([(String::from("test"), Choice::Draft)]);
    working_copy::take_over(&ctx, ORG, PROJECT, APP, 1, &choices)
        .await
        .unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(view.moved, None);
    assert_eq!(view.copy.text, mine.replace("# quick", "# slow"));
    assert_eq!(view.copy.version, 2);
    working_copy::propose(&ctx, ORG, PROJECT, APP, 2, "")
        .await
        .unwrap();
}

async fn what_is_typed_outlives_a_gitlab_that_is_down(world: World) {
    let ctx = world.ctx();
    let commit = with_pipeline(&world).await;
    let everything = FaultMatch {
        method: None,
        path_regex: Some(String::from(".")),
    };
    let faults = world.gitlab.faults();
    faults.add(everything, Fault::Status { code: 503 }, None).unwrap();
    // Also the first save, of somebody who opened the editor before GitLab went down.
    let mine = PIPELINE.replace("make test", "make check");
    let blind = put(&ctx, &save(0, Some(&commit), &mine)).await;
    assert!(matches!(blind, Err(Error::Unavailable { .. })), "{blind:?}");
    let first = Save {
        base: Some(Base {
            branch: String::from("main"),
            text: PIPELINE.to_owned(),
        }),
        ..save(0, Some(&commit), &mine)
    };
    assert_eq!(put(&ctx, &first).await.unwrap(), 1);
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(view.trouble.is_some());
    assert_eq!(
        (view.copy.base.as_str(), view.copy.branch.as_str()),
        (PIPELINE, "main")
    );
    assert_eq!(view.copy.text, mine);
    let more = mine.replace("# quick", "# slow");
    put(&ctx, &save(1, Some(&commit), &more)).await.unwrap();
    let refused = working_copy::propose(&ctx, ORG, PROJECT, APP, 2, "").await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    let checked = working_copy::check(&ctx, ORG, PROJECT, APP, &more).await.unwrap();
    assert_eq!(checked.diff, None);
    let saved = working_copy::saved(&ctx, ORG, PROJECT, APP)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(saved.text, more);
    faults.clear();
    working_copy::propose(&ctx, ORG, PROJECT, APP, 2, "")
        .await
        .unwrap();
}

async fn a_lint_that_fails_or_is_slow_takes_nothing_with_it(world: World) {
    let ctx = world.ctx();
    let commit = with_pipeline(&world).await;
    let faults = world.gitlab.faults();
    let mut version = 0;
    for (command, fault) in [
        ("make check", Fault::Status { code: 503 }),
        ("make later", Fault::Latency { ms: 60_000 }),
    ] {
        let lint = FaultMatch {
            method: None,
            path_regex: Some(String::from("/ci/lint")),
        };
        faults.add(lint, fault, None).unwrap();
        let mine = PIPELINE.replace("make test", command);
        let checked = working_copy::check(&ctx, ORG, PROJECT, APP, &mine).await.unwrap();
        assert!(
            matches!(checked.lint, LintView::Unavailable(_)),
            "{:?}",
            checked.lint
        );
        // What differs from the branch is known all the same, and the draft is kept.
        assert!(checked.diff.is_some());
        version = put(&ctx, &save(version, Some(&commit), &mine)).await.unwrap();
        let saved = working_copy::saved(&ctx, ORG, PROJECT, APP).await.unwrap();
        assert_eq!(saved.map(|saved| saved.text), Some(mine));
        faults.clear();
    }
    working_copy::propose(&ctx, ORG, PROJECT, APP, version, "")
        .await
        .unwrap();
}

async fn what_gitlab_would_refuse_is_not_proposed(world: World) {
    let ctx = world.ctx();
    let commit = with_pipeline(&world).await;
    let broken = put(&ctx, &save(0, Some(&commit), "build:\n\tscript: x\n")).await;
    let Err(Error::Invalid(fields)) = broken else {
        panic!("{broken:?}")
    };
    assert!(fields[0].text.en.contains("tab"), "{fields:?}");
    let wrong = PIPELINE.replace("test:\n", "test:\n  needs: [compile]\n");
    put(&ctx, &save(0, Some(&commit), &wrong)).await.unwrap();
    let refused = working_copy::propose(&ctx, ORG, PROJECT, APP, 1, "").await;
    let Err(Error::Refused { text, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(text.en.contains("compile"), "{}", text.en);
    let long = working_copy::propose(&ctx, ORG, PROJECT, APP, 1, &"x".repeat(300)).await;
    assert!(matches!(long, Err(Error::Invalid(_))));
}

async fn a_draft_is_not_replaced_without_a_word(world: World) {
    let ctx = world.ctx();
    let commit = with_pipeline(&world).await;
    let mine = PIPELINE.replace("make test", "make check");
    put(&ctx, &save(0, Some(&commit), &mine)).await.unwrap();
    let input = form("static-site", &[("output", "dist")]);
    let made = proposal::check(&ctx, ORG, PROJECT, APP, &input)
        .await
        .unwrap()
        .compiled
        .unwrap()
        .text;
    let refused = working_copy::begin(&ctx, ORG, PROJECT, APP, &made, false).await;
    assert!(
        matches!(
            refused,
            Err(Error::Conflict {
                code: "working_copy_is_there",
                ..
            })
        ),
        "{refused:?}"
    );
    working_copy::begin(&ctx, ORG, PROJECT, APP, &made, true)
        .await
        .unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(
        (view.copy.text.as_str(), view.copy.base.as_str()),
        (made.as_str(), PIPELINE)
    );
}

async fn who_only_sees_it_cannot_change_it(world: World) {
    let commit = with_pipeline(&world).await;
    let eve = world.member("eve", Role::ProjectViewer).await;
    let ctx = as_(&world, &eve);
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(!view.may_edit);
    let text = PIPELINE.replace("make test", "rm -rf /");
    for refused in [
        put(&ctx, &save(0, Some(&commit), &text)).await.map(drop),
        working_copy::begin(&ctx, ORG, PROJECT, APP, &text, true).await,
        working_copy::discard(&ctx, ORG, PROJECT, APP, 1).await,
        working_copy::arrive(&ctx, ORG, PROJECT, APP).await,
        working_copy::take_over(&ctx, ORG, PROJECT, APP, 0, &BTreeMap::new()).await,
        working_copy::propose(&ctx, ORG, PROJECT, APP, 0, "")
            .await
            .map(drop),
        working_copy::check(&ctx, ORG, PROJECT, APP, &text)
            .await
            .map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
}
