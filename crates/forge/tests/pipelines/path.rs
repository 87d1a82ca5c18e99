//! From an app without a repository to a release.

use crate::world::{ORG, PROJECT, World, form};
use serde_json::{Value, json};
use slipway_domain::id::SubscriberId;
use slipway_domain::proposal::LintView;
use slipway_domain::run::RunStatus;
use slipway_domain::text::Locale;
use slipway_portal::access::At;
use slipway_portal::{Actor, Error, OpCtx, Via, app, proposal, release, repository, run, subscriber};
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn a_repository_becomes_a_release() {
    let world = World::new().await;
    world.connection().await;
    world.app("storefront").await;
    let ctx = world.ctx();

    let webhook = subscribe(&ctx).await;

    // Choose and connect.
    let choices = world.choices("storefront").await.unwrap();
    let choice = choices
        .iter()
        .find(|choice| choice.path == "acme/storefront")
        .expect("it is offered");
    assert_eq!(
        (choice.default_branch.as_deref(), &choice.used_by),
        (Some("main"), &None)
    );
    repository::connect(&ctx, ORG, PROJECT, "storefront", None, choice.project_id)
        .await
        .unwrap();
    let choices = world.choices("storefront").await.unwrap();
    let taken = choices
        .iter()
        .find(|choice| choice.path == "acme/storefront")
        .unwrap();
    assert_eq!(taken.used_by.as_deref(), Some("storefront"));
    let hooks = world
        .call(
            "GET",
            &format!("projects/{}/hooks", choice.project_id),
            json!(null),
        )
        .await;
    assert_eq!(
        hooks.as_array().unwrap().len(),
        1,
        "GitLab has the webhook: {hooks}"
    );

    // Template, form, check.
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, "storefront").await.unwrap();
    assert_eq!(gallery.suggestions[0].template, "static-site");
    assert!(gallery.trouble.is_none() && gallery.existing.is_none() && gallery.may_edit);
    let input = form("static-site", &[("output", "dist")]);
    let checked = proposal::check(&ctx, ORG, PROJECT, "storefront", &input)
        .await
        .unwrap();
    assert!(checked.ready, "{checked:?}");
    assert!(matches!(checked.lint, LintView::Answered { valid: true, .. }));
    assert!(checked.diff.unwrap().added > 10);
    let draft = proposal::gallery(&ctx, ORG, PROJECT, "storefront")
        .await
        .unwrap()
        .draft
        .unwrap();
    assert_eq!(draft.inputs["output"], "dist");

    // Propose and merge.
    let proposed = proposal::propose(&ctx, ORG, PROJECT, "storefront", &input)
        .await
        .unwrap();
    assert_eq!(
        (proposed.state.as_str(), proposed.branch.as_str()),
        ("opened", "slipway/pipeline-1")
    );
    let shown = world
        .until("a merge request that can be merged", || async {
            let page = app::page(&world.ctx(), ORG, PROJECT, "storefront").await.unwrap();
            page.proposal.filter(|proposal| proposal.may_merge)
        })
        .await;
    assert_eq!(shown.id, proposed.id);
    proposal::merge(&ctx, ORG, PROJECT, "storefront", shown.id)
        .await
        .unwrap();
    // Twice is once.
    proposal::merge(&ctx, ORG, PROJECT, "storefront", shown.id)
        .await
        .unwrap();
    assert!(
        app::page(&ctx, ORG, PROJECT, "storefront")
            .await
            .unwrap()
            .proposal
            .is_none()
    );

    // The run of the merge.
    let number = world
        .until("a run of main", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            list.runs
                .iter()
                .find(|run| run.git_ref == "main")
                .map(|run| run.number)
        })
        .await;
    let view = world.finished("storefront", number).await;
    assert_eq!(
        view.run.status,
        RunStatus::Success,
        "{}",
        world.words("storefront", &view).await
    );
    assert_eq!(view.stages, ["build", "image"]);
    let image = view.jobs.iter().find(|job| job.name == "build-image").unwrap();
    assert_eq!(image.needs, ["build-site"]);

    // Its release.
    let view = world
        .until("a release", || async {
            let view = run::view(&world.ctx(), ORG, PROJECT, "storefront", number)
                .await
                .unwrap();
            assert_eq!(view.release_trouble, None);
            view.release.is_some().then_some(view)
        })
        .await;
    let (_, version) = view.release.unwrap();
    assert_eq!(version, format!("0.1.{number}"));
    let released = release::view(&ctx, ORG, PROJECT, "storefront", &version)
        .await
        .unwrap();
    assert!(released.images[0].digest.starts_with("sha256:"));
    assert!(
        released.images[0].repository.ends_with("/acme/storefront"),
        "{:?}",
        released.images
    );
    assert_eq!(released.template.as_deref(), Some("static-site@1.0.0"));
    assert_eq!(released.run.map(|(_, n)| n), Some(number));
    assert!(!released.commits.is_empty());
    assert_eq!(released.commits[0].sha, view.run.sha);

    // Every job again, any number of times: one release.
    for _ in 0..5 {
        world.turn().await;
    }
    let list = release::list(&ctx, ORG, PROJECT, "storefront", None)
        .await
        .unwrap();
    assert_eq!(list.releases.len(), 1);

    // A second run knows what changed since.
    world
        .commit(
            choice.project_id,
            "create",
            "pages/news.txt",
            "title: News\n\nNew.\n",
        )
        .await;
    let second = world
        .until("a second release", || async {
            let list = release::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            (list.releases.len() == 2).then(|| list.releases[0].release.version.clone())
        })
        .await;
    let released = release::view(&ctx, ORG, PROJECT, "storefront", &second)
        .await
        .unwrap();
    assert_eq!(released.previous, Some(version.clone()));
    assert_eq!(released.commits.len(), 1);
    assert_eq!(released.commits[0].title, "create pages/news.txt");
    let view = run::view(&ctx, ORG, PROJECT, "storefront", released.run.unwrap().1)
        .await
        .unwrap();
    assert!(view.median.is_some());

    // Defective, once, with a reason.
    let defective =
        |why: &'static str| release::mark_defective(&ctx, ORG, PROJECT, "storefront", &version, why);
    assert!(matches!(defective(" ").await, Err(Error::Invalid(_))));
    defective("loses orders").await.unwrap();
    assert!(matches!(
        defective("again").await,
        Err(Error::Conflict {
            code: "already_defective",
            ..
        })
    ));

    // Whoever wanted to know was told.
    let told = told(&ctx, webhook).await;
    let count = |kind: &str| told.iter().filter(|body| body["type"] == kind).count();
    assert_eq!((count("release.created"), count("release.defective")), (2, 1));
    let runs: Vec<_> = told
        .iter()
        .filter(|body| body["type"] == "run.finished")
        .collect();
    let ids: BTreeSet<_> = runs
        .iter()
        .map(|body| body["data"]["run"]["id"].to_string())
        .collect();
    assert!(
        ids.len() >= 2 && ids.len() == runs.len(),
        "each run once: {runs:?}"
    );

    // Nothing changes: nothing to propose.
    let again = proposal::propose(&ctx, ORG, PROJECT, "storefront", &input).await;
    assert!(
        matches!(
            again,
            Err(Error::Refused {
                code: "nothing_changes",
                ..
            })
        ),
        "{again:?}"
    );
    // A change of a file that Slipway made needs no word.
    let other = form("static-site", &[("version_prefix", "0.2")]);
    let next = proposal::propose(&ctx, ORG, PROJECT, "storefront", &other)
        .await
        .unwrap();
    assert_eq!(next.branch, "slipway/pipeline-2");
    // Proposed again while it is open, it is updated.
    let other = form("static-site", &[("version_prefix", "0.3")]);
    let updated = proposal::propose(&ctx, ORG, PROJECT, "storefront", &other)
        .await
        .unwrap();
    assert_eq!((updated.id, updated.iid), (next.id, next.iid));
    let requests = world
        .call(
            "GET",
            &format!("projects/{}/merge_requests?state=opened", choice.project_id),
            json!(null),
        )
        .await;
    assert_eq!(requests.as_array().unwrap().len(), 1);
    world.gitlab.shutdown().await;
}

const AT: At<'static> = At {
    org: ORG,
    project: Some(PROJECT),
    app: None,
};

/// A webhook that is told of runs and releases.
async fn subscribe(ctx: &OpCtx) -> SubscriberId {
    let input = subscriber::Input {
        url: String::from("https://hooks.example.com"),
        description: String::new(),
        kinds: ["run.finished", "release.created", "release.defective"]
            .map(String::from)
            .to_vec(),
        enabled: true,
    };
    subscriber::create(ctx, AT, input).await.unwrap().id
}

/// What it was told.
async fn told(ctx: &OpCtx, id: SubscriberId) -> Vec<Value> {
    let mut told = Vec::new();
    for message in subscriber::messages(ctx, AT, id, None, 100).await.unwrap() {
        let view = subscriber::message(ctx, AT, id, message.id).await.unwrap();
        told.push(serde_json::from_str(&view.body).unwrap());
    }
    told
}

const MANUAL: &str = "stages: [test, go]\n\
    test:\n  stage: test\n  script:\n    - echo tested\n\
    go:\n  stage: go\n  needs: [test]\n  when: manual\n  allow_failure: false\n  script:\n    - echo \"going to $WHERE\"\n\
    broken:\n  stage: test\n  allow_failure: true\n  script:\n    - echo no\n    - exit 3\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn jobs_are_played_retried_and_refused() {
    let world = World::new().await;
    world.connected("storefront").await;
    let repository = world.sample("storefront");
    world.commit(repository, "create", ".gitlab-ci.yml", MANUAL).await;
    let ctx = world.ctx();
    let number = run::start(&ctx, ORG, PROJECT, "storefront", &"main".into())
        .await
        .unwrap();
    let view = world
        .until("the manual job", || async {
            let view = run::view(&world.ctx(), ORG, PROJECT, "storefront", number)
                .await
                .unwrap();
            (view.run.status == RunStatus::Manual).then_some(view)
        })
        .await;
    let job = |name: &str| view.jobs.iter().find(|job| job.name == name).unwrap().clone();
    assert!(job("go").playable && job("go").reason.is_some());
    assert_eq!(job("broken").status, RunStatus::Failed);
    assert_eq!(job("broken").reason.unwrap().en, "A command failed.");
    assert_eq!(
        view.run.failed_job, None,
        "what is allowed to fail does not fail the run"
    );

    let wrong = run::Act::Play(
        job("go").id,
        BTreeMap::from([(String::from("A B"), String::new())]),
    );
    assert!(matches!(
        run::act(&ctx, ORG, PROJECT, "storefront", number, &wrong).await,
        Err(Error::Invalid(_))
    ));
    let play = run::Act::Play(
        job("go").id,
        BTreeMap::from([(String::from("WHERE"), String::from("the moon"))]),
    );
    run::act(&ctx, ORG, PROJECT, "storefront", number, &play)
        .await
        .unwrap();
    let view = world
        .until("success", || async {
            let view = run::view(&world.ctx(), ORG, PROJECT, "storefront", number)
                .await
                .unwrap();
            (view.run.status == RunStatus::Success).then_some(view)
        })
        .await;
    let view = world.finished("storefront", view.run.number).await;
    let go = view.jobs.iter().find(|job| job.name == "go").unwrap();
    let at = run::JobAt {
        org: ORG,
        project: PROJECT,
        app: "storefront",
        number,
        job: go.id,
    };
    let log = run::log(&ctx, &at, 1, 500).await.unwrap();
    assert!(
        log.lines
            .iter()
            .any(|line| line.text().contains("going to the moon")),
        "{log:?}"
    );
    // Without an image there is no release, and nothing is wrong with that.
    assert_eq!((view.release.is_none(), view.release_trouble), (true, None));

    // A job that is run again takes the place of its first try, which keeps its log.
    let broken = view.jobs.iter().find(|job| job.name == "broken").unwrap().clone();
    run::act(
        &ctx,
        ORG,
        PROJECT,
        "storefront",
        number,
        &run::Act::RetryJob(broken.id),
    )
    .await
    .unwrap();
    let again = world
        .until("the second try", || async {
            let view = run::view(&world.ctx(), ORG, PROJECT, "storefront", number)
                .await
                .unwrap();
            let job = view.jobs.iter().find(|job| job.name == "broken")?;
            (job.id != broken.id && job.status == RunStatus::Failed).then_some(view.clone())
        })
        .await;
    let order: Vec<&str> = again.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(order, ["test", "broken", "go"]);
    let at = run::JobAt { job: broken.id, ..at };
    assert!(run::log(&ctx, &at, 1, 500).await.unwrap().total > 0);

    // `main` is protected: a developer who may only run on normal refs is refused, a stranger sees nothing.
    let tester = world
        .member("tess", slipway_domain::access::Role::ProjectTester)
        .await;
    let tester = world
        .portal
        .ctx(Actor::User(tester), Via::Web, "test", Locale::En);
    let refused = run::act(&tester, ORG, PROJECT, "storefront", number, &run::Act::Retry).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert!(
        !run::view(&tester, ORG, PROJECT, "storefront", number)
            .await
            .unwrap()
            .may_run
    );
    let refused = run::start(&tester, ORG, PROJECT, "storefront", &"main".into()).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let nowhere = run::start(&ctx, ORG, PROJECT, "storefront", &"no-such-branch".into()).await;
    assert!(
        matches!(
            nowhere,
            Err(Error::Refused {
                code: "gitlab_refused",
                ..
            })
        ),
        "{nowhere:?}"
    );
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_job_without_a_digest_is_said() {
    let world = World::new().await;
    world.connected("storefront").await;
    let yaml = "build:\n  script:\n    - echo IMAGE_NAME=r/app > release.env\n  artifacts:\n    paths: [release.env]\n";
    world
        .commit(world.sample("storefront"), "create", ".gitlab-ci.yml", yaml)
        .await;
    let view = world
        .until("the trouble", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            let view = run::view(
                &world.ctx(),
                ORG,
                PROJECT,
                "storefront",
                list.runs.first()?.number,
            )
            .await
            .unwrap();
            view.release_trouble.is_some().then_some(view)
        })
        .await;
    assert!(view.release_trouble.unwrap().en.contains("no IMAGE_DIGEST"));
    assert!(view.release.is_none());
    world.gitlab.shutdown().await;
}
