//! Beside the editor: a job for another app, the file as GitLab reads it, and what became in git of Slipway's jobs. On
//! SQLite and PostgreSQL.

use crate::world::{ORG, PROJECT, World};
use slipway_domain::access::Role;
use slipway_domain::pipeline::file::drift::DriftState;
use slipway_domain::pipeline::file::side::{MARK, begin};
use slipway_domain::proposal::LintView;
use slipway_domain::text::Locale;
use slipway_portal::working_copy::{self, File, Save};
use slipway_portal::{Actor, Error, OpCtx, Via, app, proposal};
use slipway_sandbox::faults::{Fault, FaultMatch};

const APP: &str = "storefront";
const OTHER: &str = "ledger";
const FILE: &str = ".gitlab-ci.yml";
const PIPELINE: &str = "include:\n  - local: ci/base.yml\n\n.quick:\n  retry: 1\n\n# slipway: job=unit template=node@1.0.0\nunit:\n  extends: .quick\n  script:\n    - make test\n\nship:\n  extends: .base\n  script: [make ship]\n";

on_both! {
    a_job_goes_into_the_draft_of_another_app,
    a_job_goes_nowhere_where_its_copier_may_not_edit,
    the_draft_is_shown_as_gitlab_reads_it,
    what_git_made_of_a_job_is_seen_and_put_back,
    a_file_of_slipways_own_comes_with_one_include_and_is_edited_from_then_on,
}

fn save(version: i64, base_commit: Option<String>, text: &str) -> Save {
    Save {
        version,
        base_commit,
        base: None,
        text: text.to_owned(),
    }
}

async fn with_pipeline(world: &World) -> OpCtx {
    world.connected(APP).await;
    let repository = world.sample(APP);
    let base = ".base:\n  image: alpine:3\n";
    world.commit(repository, "create", "ci/base.yml", base).await;
    world.commit(repository, "create", FILE, PIPELINE).await;
    world.ctx()
}

async fn text_of(ctx: &OpCtx, app: &str) -> String {
    let view = working_copy::open(ctx, ORG, PROJECT, app).await.unwrap();
    view.copy.text
}

async fn a_job_goes_into_the_draft_of_another_app(world: World) {
    let ctx = with_pipeline(&world).await;
    world.app(OTHER).await;
    let apps = working_copy::destinations(&ctx, ORG, PROJECT, APP).await.unwrap();
    let slugs: Vec<&str> = apps
        .apps
        .iter()
        .filter_map(|place| Some(place.app.as_ref()?.slug.as_str()))
        .collect();
    assert_eq!(slugs, [OTHER], "every app but this one");
    let copy = |job: &'static str| {
        let ctx = &ctx;
        async move { working_copy::copy_job(ctx, ORG, (PROJECT, APP), job, (PROJECT, OTHER)).await }
    };
    // It has no repository yet.
    let refused = copy("unit").await;
    assert!(
        matches!(
            &refused,
            Err(Error::Refused {
                code: "no_pipeline",
                ..
            })
        ),
        "{refused:?}"
    );
    let other = world.sample(OTHER);
    slipway_portal::repository::connect(&ctx, ORG, PROJECT, OTHER, None, other)
        .await
        .unwrap();
    let (place, carried) = copy("unit").await.unwrap();
    assert_eq!(place.app.unwrap().slug, OTHER);
    assert_eq!(
        (carried.job.as_str(), carried.along.as_slice()),
        ("unit", &[".quick".to_owned()][..])
    );
    let made = text_of(&ctx, OTHER).await;
    assert_eq!(
        made,
        ".quick:\n  retry: 1\n\n# slipway: job=unit template=node@1.0.0\nunit:\n  extends: .quick\n  script:\n    - make test\n"
    );
    // Once more it is another job, and nothing is written over.
    let (_, carried) = copy("unit").await.unwrap();
    assert_eq!(carried.job, "unit-2");
    assert!(text_of(&ctx, OTHER).await.starts_with(&made));
    assert_eq!(text_of(&ctx, APP).await, PIPELINE);
    let refused = copy("nothing").await;
    assert!(
        matches!(
            &refused,
            Err(Error::Refused {
                code: "job_not_copied",
                ..
            })
        ),
        "{refused:?}"
    );
}

async fn a_job_goes_nowhere_where_its_copier_may_not_edit(world: World) {
    with_pipeline(&world).await;
    world.app(OTHER).await;
    slipway_portal::repository::connect(&world.ctx(), ORG, PROJECT, OTHER, None, world.sample(OTHER))
        .await
        .unwrap();
    let eve = world.member("eve", Role::ProjectViewer).await;
    let ctx = world.portal.ctx(Actor::User(eve), Via::Web, "test", Locale::En);
    let apps = working_copy::destinations(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(apps.apps, []);
    let refused = working_copy::copy_job(&ctx, ORG, (PROJECT, APP), "unit", (PROJECT, OTHER)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let refused = working_copy::restore(&ctx, ORG, PROJECT, APP, "unit").await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

async fn the_draft_is_shown_as_gitlab_reads_it(world: World) {
    let ctx = with_pipeline(&world).await;
    let merged = working_copy::merged(&ctx, ORG, PROJECT, APP).await.unwrap();
    let text = merged.text.expect("GitLab's word");
    assert!(
        text.contains("image: alpine:3") && text.contains("retry: 1"),
        "{text}"
    );
    assert_eq!(
        (merged.version, merged.errors.len(), merged.trouble),
        (0, 0, None)
    );

    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    let wrong = PIPELINE.replace("extends: .base", "extends: .nobody");
    let input = save(0, view.copy.base_commit, &wrong);
    working_copy::save(&ctx, ORG, PROJECT, APP, &input).await.unwrap();
    let merged = working_copy::merged(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(merged.version, 1, "the draft, not the repository's file");
    assert!(
        merged.errors.iter().any(|words| words.contains(".nobody")),
        "{merged:?}"
    );

    let lint = FaultMatch {
        method: None,
        path_regex: Some(String::from("/ci/lint")),
    };
    let faults = world.gitlab.faults();
    faults.add(lint, Fault::Status { code: 503 }, None).unwrap();
    let merged = working_copy::merged(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(merged.text.is_none() && merged.trouble.is_some(), "{merged:?}");
}

async fn what_git_made_of_a_job_is_seen_and_put_back(world: World) {
    let ctx = with_pipeline(&world).await;
    let view = working_copy::drifted(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(view.proposed_at.is_none() && view.jobs.is_empty() && view.trouble.is_none());
    let refused = working_copy::restore(&ctx, ORG, PROJECT, APP, "unit").await;
    assert!(
        matches!(
            &refused,
            Err(Error::Refused {
                code: "nothing_written",
                ..
            })
        ),
        "{refused:?}"
    );

    // Slipway proposes, and it is merged.
    let written = PIPELINE.replace("make test", "make check");
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    let input = save(0, view.copy.base_commit, &written);
    let version = working_copy::save(&ctx, ORG, PROJECT, APP, &input).await.unwrap();
    let shown = working_copy::propose(&ctx, ORG, PROJECT, APP, version, "")
        .await
        .unwrap();
    let shown = world
        .until("a merge request that can be merged", || async {
            let page = app::page(&world.ctx(), ORG, PROJECT, APP).await.unwrap();
            page.proposal
                .filter(|proposal| proposal.id == shown.id && proposal.may_merge)
        })
        .await;
    proposal::merge(&ctx, ORG, PROJECT, APP, shown.id).await.unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!((view.drifted, view.copy.is_changed()), (0, false));

    // Somebody edits the job in git.
    let edited = written.replace("make check", "make check # faster");
    world.commit(world.sample(APP), "update", FILE, &edited).await;
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!((view.drifted, view.copy.text.as_str()), (1, edited.as_str()));
    let view = working_copy::drifted(&ctx, ORG, PROJECT, APP).await.unwrap();
    let [job] = view.jobs.as_slice() else {
        panic!("one job: {view:?}");
    };
    assert_eq!(
        (job.id.as_str(), &job.state, job.restored),
        ("unit", &DriftState::Edited, false)
    );
    assert_eq!((job.diff.added, job.diff.removed), (1, 1));
    assert!(view.title.is_some() && view.link.is_some());

    let name = working_copy::restore(&ctx, ORG, PROJECT, APP, "unit")
        .await
        .unwrap();
    assert_eq!(name, "unit");
    assert_eq!(text_of(&ctx, APP).await, written);
    let view = working_copy::drifted(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert!(view.jobs[0].restored, "the draft has it, git has not");
}

async fn a_file_of_slipways_own_comes_with_one_include_and_is_edited_from_then_on(world: World) {
    let ctx = with_pipeline(&world).await;
    // Not over somebody's changes.
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    let input = save(
        0,
        view.copy.base_commit,
        &PIPELINE.replace("make test", "make check"),
    );
    let version = working_copy::save(&ctx, ORG, PROJECT, APP, &input).await.unwrap();
    let refused = working_copy::switch(&ctx, ORG, PROJECT, APP, File::Side).await;
    assert!(
        matches!(
            &refused,
            Err(Error::Conflict {
                code: "working_copy_is_there",
                ..
            })
        ),
        "{refused:?}"
    );
    working_copy::discard(&ctx, ORG, PROJECT, APP, version)
        .await
        .unwrap();

    working_copy::switch(&ctx, ORG, PROJECT, APP, File::Side)
        .await
        .unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(
        (view.copy.text.as_str(), view.copy.base.as_str()),
        (begin().as_str(), "")
    );
    assert_eq!(view.stages, [".pre", "build", "test", "deploy", ".post"]);
    let empty = working_copy::propose(&ctx, ORG, PROJECT, APP, view.copy.version, "").await;
    assert!(
        matches!(&empty, Err(Error::Refused { code: "no_job", .. })),
        "{empty:?}"
    );
    // Its first line says whose file it is.
    let stripped = begin().replace(MARK, "# mine");
    let refused =
        working_copy::save(&ctx, ORG, PROJECT, APP, &save(view.copy.version, None, &stripped)).await;
    assert!(matches!(&refused, Err(Error::Invalid(_))), "{refused:?}");

    let text = format!(
        "{}\npackage:\n  stage: deploy\n  needs: [unit]\n  script: [make package]\n",
        begin()
    );
    let version = working_copy::save(&ctx, ORG, PROJECT, APP, &save(view.copy.version, None, &text))
        .await
        .unwrap();
    let checked = working_copy::check(&ctx, ORG, PROJECT, APP, &text).await.unwrap();
    assert!(
        matches!(&checked.lint, LintView::Answered { valid: true, .. }),
        "with the file that includes it: {checked:?}"
    );
    let shown = working_copy::propose(&ctx, ORG, PROJECT, APP, version, "")
        .await
        .unwrap();
    let shown = world
        .until("a merge request that can be merged", || async {
            let page = app::page(&world.ctx(), ORG, PROJECT, APP).await.unwrap();
            page.proposal
                .filter(|proposal| proposal.id == shown.id && proposal.may_merge)
        })
        .await;
    proposal::merge(&ctx, ORG, PROJECT, APP, shown.id).await.unwrap();

    // Both files are there, and the other has nothing but one line more.
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(
        (view.copy.text.as_str(), view.copy.is_changed()),
        (text.as_str(), false)
    );
    let merged = working_copy::merged(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(merged.errors, [""; 0]);
    working_copy::discard(&ctx, ORG, PROJECT, APP, view.copy.version)
        .await
        .unwrap();
    let view = working_copy::open(&ctx, ORG, PROJECT, APP).await.unwrap();
    assert_eq!(
        view.copy.text, text,
        "it is included, so it is the one that is edited"
    );
    working_copy::switch(&ctx, ORG, PROJECT, APP, File::Root)
        .await
        .unwrap();
    let included = "include:\n  - local: ci/base.yml\n  - local: .gitlab/slipway.yml\n";
    let root = PIPELINE.replace("include:\n  - local: ci/base.yml\n", included);
    assert_eq!(text_of(&ctx, APP).await, root);
    assert_eq!(
        text_of(&ctx, APP).await,
        root,
        "and stays it until somebody goes back"
    );
}
