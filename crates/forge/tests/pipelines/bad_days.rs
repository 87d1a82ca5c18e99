//! Wrong tokens, a GitLab that is down, slow or limited, answers that are cut, and repositories that are odd.

use crate::world::{ORG, PROJECT, World, form};
use slipway_domain::proposal::LintView;
use slipway_domain::run::RunStatus;
use slipway_portal::{Error, app, connection, proposal, repository, run};
use slipway_sandbox::faults::{Fault, FaultMatch};

fn on(path: &str) -> FaultMatch {
    FaultMatch {
        method: None,
        path_regex: Some(path.to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_is_tested_and_says_what_is_wrong() {
    let world = World::new().await;
    let url = world.gitlab.url();
    world.connection().await;
    world.connection_to(&format!("{url}/"), "glpat-wrong").await;
    // Nobody listens on port 9 of the loopback.
    world.connection_to("http://127.0.0.1:9", "glpat-any").await;
    let body = serde_json::json!({ "name": "reader", "scopes": ["read_api"], "expires_at": "2099-01-01" });
    let made = world.call("POST", "users/1/personal_access_tokens", body).await;
    world
        .connection_to(&format!("{url}///"), made["token"].as_str().unwrap())
        .await;

    let ctx = world.ctx();
    let mut reports = Vec::new();
    for known in connection::list(&ctx, ORG).await.unwrap().connections {
        let report = connection::test(&ctx, ORG, known.id).await.unwrap();
        assert_eq!(known.report, None);
        reports.push(report);
    }
    let kept = connection::list(&ctx, ORG).await.unwrap().connections;
    let kept: Vec<_> = kept.into_iter().filter_map(|known| known.report).collect();
    assert_eq!(kept, reports, "the reports are kept");
    assert_eq!(reports.len(), 4);
    let good = reports.iter().find(|r| r.trouble.is_none()).expect("one works");
    assert_eq!((good.username.as_deref(), good.missing.len()), (Some("root"), 0));
    let said = |word: &str| {
        reports
            .iter()
            .filter_map(|r| r.trouble.as_ref())
            .any(|t| t.en.contains(word) && !t.zh.is_empty())
    };
    assert!(said("refuses the connection's token"), "{reports:?}");
    assert!(said("does not answer"), "{reports:?}");
    assert!(said("lacks the scope “api”"), "{reports:?}");
    let scoped = reports.iter().find(|r| !r.missing.is_empty()).unwrap();
    assert_eq!(scoped.expires_at.as_deref(), Some("2099-01-01"));

    // The page of the settings knows it too.
    world.app("storefront").await;
    let known = repository::connections(&world.ctx(), ORG, PROJECT, "storefront")
        .await
        .unwrap();
    assert_eq!(known.iter().filter(|c| c.trouble.is_some()).count(), 2);
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_without_commits_says_so_everywhere() {
    let world = World::new().await;
    world.connected("empty-repo").await;
    let ctx = world.ctx();
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, "empty-repo").await.unwrap();
    let told = gallery.trouble.unwrap();
    assert!(told.en.contains("no commits yet") && told.en.contains("Push a first commit"));
    assert!(told.zh.contains("还没有任何提交"));
    assert!(gallery.templates.len() > 5 && gallery.suggestions.is_empty());
    let input = form("static-site", &[]);
    let checked = proposal::check(&ctx, ORG, PROJECT, "empty-repo", &input)
        .await
        .unwrap();
    assert!(matches!(checked.lint, LintView::Unavailable(text) if text.en.contains("no commits yet")));
    let refused = proposal::propose(&ctx, ORG, PROJECT, "empty-repo", &input).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                code: "empty_repository",
                ..
            })
        ),
        "{refused:?}"
    );
    let refused = run::start(&ctx, ORG, PROJECT, "empty-repo", &"main".into()).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                code: "empty_repository",
                ..
            })
        ),
        "{refused:?}"
    );
    for _ in 0..3 {
        world.turn().await;
    }
    let list = run::list(&ctx, ORG, PROJECT, "empty-repo", None).await.unwrap();
    assert!(
        list.connected && list.runs.is_empty() && list.trouble.is_none(),
        "{list:?}"
    );
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_yaml_is_named_with_its_place_and_replaced_only_on_request() {
    let world = World::new().await;
    world.connected("storefront").await;
    let repository = world.sample("storefront");
    let ctx = world.ctx();
    world
        .commit(
            repository,
            "create",
            ".gitlab-ci.yml",
            "test:\n  script: [unclosed\nother: x\n",
        )
        .await;
    let mut input = form("static-site", &[]);
    let refused = proposal::propose(&ctx, ORG, PROJECT, "storefront", &input)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "not_yaml");
    assert!(refused.text().en.contains("Line 3"), "{:?}", refused.text());
    let gallery = proposal::gallery(&ctx, ORG, PROJECT, "storefront").await.unwrap();
    assert!(gallery.existing.unwrap().broken.unwrap().zh.contains("第 3 行"));

    world
        .commit(
            repository,
            "update",
            ".gitlab-ci.yml",
            "test:\n  script: [make]\n",
        )
        .await;
    let refused = proposal::propose(&ctx, ORG, PROJECT, "storefront", &input)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "not_slipways");
    let checked = proposal::check(&ctx, ORG, PROJECT, "storefront", &input)
        .await
        .unwrap();
    assert!(!checked.existing.unwrap().by_slipway);
    assert!(checked.diff.unwrap().removed > 0);
    // What was typed is still there.
    assert!(
        proposal::gallery(&ctx, ORG, PROJECT, "storefront")
            .await
            .unwrap()
            .draft
            .is_some()
    );
    input.replace = true;
    let view = proposal::propose(&ctx, ORG, PROJECT, "storefront", &input)
        .await
        .unwrap();
    assert_eq!(view.state, "opened");
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_form_is_refused_field_by_field() {
    let world = World::new().await;
    world.connected("storefront").await;
    let ctx = world.ctx();
    let input = form("static-site", &[("output", "/etc"), ("build_command", "")]);
    let checked = proposal::check(&ctx, ORG, PROJECT, "storefront", &input)
        .await
        .unwrap();
    let fields: Vec<&str> = checked.fields.iter().map(|field| field.param.as_str()).collect();
    assert_eq!(fields, ["build_command", "output"]);
    assert!(checked.compiled.is_none() && !checked.ready);
    let refused = proposal::propose(&ctx, ORG, PROJECT, "storefront", &input).await;
    assert!(matches!(refused, Err(Error::Invalid(fields)) if fields.len() == 2));
    let refused = proposal::propose(&ctx, ORG, PROJECT, "storefront", &form("no-such", &[])).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposal_survives_every_bad_answer_and_is_made_once() {
    let world = World::new().await;
    world.connected("storefront").await;
    let repository = world.sample("storefront");
    let faults = world.gitlab.faults();
    // The commit is done but its answer is cut; then the merge request is refused twice, then limited.
    faults
        .add(
            FaultMatch {
                method: Some("POST".into()),
                ..on("repository/commits")
            },
            Fault::Truncate,
            Some(1),
        )
        .unwrap();
    let requests = || FaultMatch {
        method: Some("POST".into()),
        ..on(r"/merge_requests\??$")
    };
    faults
        .add(requests(), Fault::Status { code: 502 }, Some(1))
        .unwrap();
    faults.add(requests(), Fault::Drop, Some(1)).unwrap();
    faults
        .add(requests(), Fault::RateLimited { retry_after: 5 }, Some(1))
        .unwrap();
    let view = proposal::propose(
        &world.ctx(),
        ORG,
        PROJECT,
        "storefront",
        &form("static-site", &[]),
    )
    .await
    .unwrap();
    assert_eq!(view.state, "intended");
    assert!(view.blocked.unwrap().en.contains("GitLab"));
    let opened = world
        .until("the merge request", || async {
            let page = app::page(&world.ctx(), ORG, PROJECT, "storefront").await.unwrap();
            page.proposal.filter(|proposal| proposal.state == "opened")
        })
        .await;
    assert_eq!(opened.id, view.id);
    let path = format!("projects/{repository}/merge_requests");
    assert_eq!(
        world
            .call("GET", &path, serde_json::json!(null))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let path = format!(
        "projects/{repository}/repository/commits?ref_name={}",
        opened.branch
    );
    let commits = world.call("GET", &path, serde_json::json!(null)).await;
    let ours = commits
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["title"].as_str().unwrap().starts_with("Pipeline from Slipway"));
    assert_eq!(ours.count(), 1);
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_others_in_between_is_refused() {
    let world = World::new().await;
    world.connected("storefront").await;
    let repository = world.sample("storefront");
    let view = proposal::propose(
        &world.ctx(),
        ORG,
        PROJECT,
        "storefront",
        &form("static-site", &[]),
    )
    .await
    .unwrap();
    let body = serde_json::json!({
        "branch": view.branch, "commit_message": "by hand",
        "actions": [{ "action": "update", "file_path": ".gitlab-ci.yml", "content": "mine:\n  script: [make]\n" }],
    });
    world
        .call("POST", &format!("projects/{repository}/repository/commits"), body)
        .await;
    let other = form("static-site", &[("version_prefix", "0.9")]);
    let refused = proposal::propose(&world.ctx(), ORG, PROJECT, "storefront", &other)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "proposal_failed");
    assert!(
        refused.text().en.contains("Somebody changed"),
        "{:?}",
        refused.text()
    );
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_shows_the_last_known_state_and_heals() {
    let world = World::new().await;
    world.connected("storefront").await;
    let repository = world.sample("storefront");
    world
        .commit(
            repository,
            "create",
            ".gitlab-ci.yml",
            "test:\n  script: [\"echo one\"]\n",
        )
        .await;
    let number = world
        .until("a green run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            list.runs
                .iter()
                .find(|run| run.status == RunStatus::Success)
                .map(|run| run.number)
        })
        .await;
    let faults = world.gitlab.faults();
    faults.add(on("."), Fault::Status { code: 503 }, None).unwrap();
    let list = world
        .until("the trouble", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            list.trouble.is_some().then_some(list)
        })
        .await;
    assert_eq!(list.runs[0].number, number);
    assert!(list.as_of.is_some());
    let told = list.trouble.unwrap();
    assert!(told.en.contains("GitLab failed") && told.zh.contains("GitLab 出错"));
    let view = run::view(&world.ctx(), ORG, PROJECT, "storefront", number)
        .await
        .unwrap();
    assert!(view.trouble.is_some());
    // A form is checked by Slipway's own rules, says that GitLab is missing, and is kept.
    let checked = proposal::check(
        &world.ctx(),
        ORG,
        PROJECT,
        "storefront",
        &form("static-site", &[("output", "site")]),
    )
    .await
    .unwrap();
    assert!(matches!(checked.lint, LintView::Unavailable(_)) && checked.compiled.is_some() && !checked.ready);
    let gallery = proposal::gallery(&world.ctx(), ORG, PROJECT, "storefront")
        .await
        .unwrap();
    assert_eq!(gallery.draft.unwrap().inputs["output"], "site");
    assert!(gallery.trouble.is_some() && !gallery.templates.is_empty());
    let refused = proposal::propose(
        &world.ctx(),
        ORG,
        PROJECT,
        "storefront",
        &form("static-site", &[]),
    )
    .await;
    assert!(
        matches!(refused, Err(Error::Unavailable { code: "gitlab", .. })),
        "{refused:?}"
    );
    let refused = world.choices("storefront").await;
    assert!(matches!(refused, Err(Error::Unavailable { code: "gitlab", .. })));
    faults.clear();
    world
        .until("the trouble to go", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            list.trouble.is_none().then_some(())
        })
        .await;
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_and_a_slow_gitlab_delay_and_lose_nothing() {
    let world = World::new().await;
    world.connected("storefront").await;
    let repository = world.sample("storefront");
    let faults = world.gitlab.faults();
    faults
        .add(on("/pipelines/"), Fault::RateLimited { retry_after: 2 }, Some(3))
        .unwrap();
    faults
        .add(on("/jobs"), Fault::Latency { ms: 400 }, Some(4))
        .unwrap();
    faults.add(on("/trace"), Fault::Truncate, Some(1)).unwrap();
    world
        .commit(
            repository,
            "create",
            ".gitlab-ci.yml",
            "test:\n  script: [\"echo one\"]\n",
        )
        .await;
    let view = world
        .until("a green run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            let number = list.runs.first()?.number;
            let view = run::view(&world.ctx(), ORG, PROJECT, "storefront", number)
                .await
                .ok()?;
            (view.run.status == RunStatus::Success).then_some(view)
        })
        .await;
    let view = world.finished("storefront", view.run.number).await;
    let at = run::JobAt {
        org: ORG,
        project: PROJECT,
        app: "storefront",
        number: view.run.number,
        job: view.jobs[0].id,
    };
    let log = run::log(&world.ctx(), &at, 1, 500).await.unwrap();
    assert!(log.lines.iter().any(|line| line.text() == "one"), "{log:?}");
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_answers_at_once_and_a_gone_repository_is_said() {
    let world = World::new().await;
    world.connection_to("http://127.0.0.1:9", "glpat-any").await;
    world.app("storefront").await;
    let refused = world.choices("storefront").await;
    assert!(
        matches!(refused, Err(Error::Unavailable { code: "gitlab", .. })),
        "{refused:?}"
    );

    let good = world.connection().await;
    let gone = repository::connect(&world.ctx(), ORG, PROJECT, "storefront", Some(good), 99_999).await;
    assert!(matches!(gone, Err(Error::Invalid(fields)) if fields[0].field == "repository"));
    let repository = world.sample("storefront");
    repository::connect(&world.ctx(), ORG, PROJECT, "storefront", Some(good), repository)
        .await
        .unwrap();
    world.app("second").await;
    let taken = repository::connect(&world.ctx(), ORG, PROJECT, "second", Some(good), repository).await;
    assert!(
        matches!(
            taken,
            Err(Error::Conflict {
                code: "repository_taken",
                ..
            })
        ),
        "{taken:?}"
    );
    world
        .call(
            "DELETE",
            &format!("projects/{repository}"),
            serde_json::json!(null),
        )
        .await;
    let list = world
        .until("the trouble", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            list.trouble.is_some().then_some(list)
        })
        .await;
    assert!(list.trouble.unwrap().en.contains("no longer has this repository"));
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gitlab_that_takes_no_webhook_is_polled() {
    let world = World::new().await;
    world.connection().await;
    world.app("storefront").await;
    let hooks = FaultMatch {
        method: Some("POST".into()),
        ..on(r"/hooks\??$")
    };
    world
        .gitlab
        .faults()
        .add(hooks, Fault::Status { code: 422 }, None)
        .unwrap();
    let repository = world.sample("storefront");
    repository::connect(&world.ctx(), ORG, PROJECT, "storefront", None, repository)
        .await
        .unwrap();
    let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
        .await
        .unwrap();
    assert!(list.trouble.unwrap().en.contains("takes no webhook"));
    world
        .commit(
            repository,
            "create",
            ".gitlab-ci.yml",
            "test:\n  script: [\"echo one\"]\n",
        )
        .await;
    world
        .until("the run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            list.runs
                .iter()
                .any(|run| run.status == RunStatus::Success)
                .then_some(())
        })
        .await;
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_a_file_that_gitlab_cannot_read_says_why() {
    let world = World::new().await;
    world.connected("storefront").await;
    let yaml = "test:\n  script: [\"echo one\"]\n  stage: nowhere\n";
    world
        .commit(world.sample("storefront"), "create", ".gitlab-ci.yml", yaml)
        .await;
    let view = world
        .until("the run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            run::view(
                &world.ctx(),
                ORG,
                PROJECT,
                "storefront",
                list.runs.first()?.number,
            )
            .await
            .ok()
        })
        .await;
    assert_eq!((view.run.status, view.jobs.len()), (RunStatus::Failed, 0));
    let said = view.trouble.expect("a reason");
    assert!(
        said.en.contains("nowhere") && said.zh.contains("nowhere"),
        "{said:?}"
    );
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_waits_says_for_what() {
    let world = World::new().await;
    world.connected("storefront").await;
    let yaml = "far:\n  tags: [no-such-machine]\n  script: [\"echo one\"]\n";
    world
        .commit(world.sample("storefront"), "create", ".gitlab-ci.yml", yaml)
        .await;
    let view = world
        .until("the reason", || async {
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
            .ok()?;
            view.jobs
                .first()
                .is_some_and(|job| job.reason.is_some())
                .then_some(view)
        })
        .await;
    assert_eq!(view.jobs[0].status, RunStatus::Pending);
    assert!(view.jobs[0].reason.as_ref().unwrap().en.starts_with("Waits"));
    let at = run::JobAt {
        org: ORG,
        project: PROJECT,
        app: "storefront",
        number: view.run.number,
        job: view.jobs[0].id,
    };
    let log = run::log(&world.ctx(), &at, 1, 500).await.unwrap();
    assert!(log.trouble.unwrap().en.contains("not written anything yet"));
    // Stopped, it is over.
    run::act(
        &world.ctx(),
        ORG,
        PROJECT,
        "storefront",
        view.run.number,
        &run::Act::Cancel,
    )
    .await
    .unwrap();
    world
        .until("the end", || async {
            let view = run::view(&world.ctx(), ORG, PROJECT, "storefront", view.run.number)
                .await
                .unwrap();
            (view.run.status == RunStatus::Canceled).then_some(())
        })
        .await;
    world.gitlab.shutdown().await;
}
