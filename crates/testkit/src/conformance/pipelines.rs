//! Repositories, proposals, runs, logs, releases and webhooks.

use super::World;
use slipway_domain::id::{AppId, ConnectionId, JobId, ProposalId, RunId};
use slipway_domain::proposal::{Draft, ProposalState};
use slipway_domain::release::{Commit, Evidence, Image, Workload};
use slipway_domain::run::{JobRow, RunRow, RunStatus};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_portal::access::{self, App, Authorized, may};
use slipway_portal::connection;
use slipway_portal::ports::{
    DeliveryRecord, JobRecord, NewApp, ProposalRecord, ReleaseManifests, ReleaseRecord, RepositoryState,
    RunRecord, Snapshot, SnapshotKind, StoreError, Tx,
};
use slipway_portal::project;
use std::collections::BTreeMap;

/// Two apps of one project, to show that nothing leaks from one into the other.
async fn two_apps(world: &World) -> (Authorized<App, may::AppManage>, Authorized<App, may::AppManage>) {
    let owner = world.person("owner").await;
    world.org("acme", owner.id).await;
    let system = world.system();
    let input = project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    let id = project::create(&system, "acme", input).await.unwrap();
    let project = access::project_by_id::<may::AppCreate>(&system, id)
        .await
        .unwrap();
    let mut apps = Vec::new();
    for slug in ["order-api", "ledger"] {
        let id: AppId = system.id();
        let new = NewApp {
            id,
            slug: slug.to_owned(),
            name: slug.to_owned(),
            description: String::new(),
            workload: Workload::default(),
            at: system.now(),
        };
        let mut tx = world.portal.store.write().await.unwrap();
        tx.insert_app(&project.modify(), &new).await.unwrap();
        tx.commit().await.unwrap();
        apps.push(access::app_by_id::<may::AppManage>(&system, id).await.unwrap());
    }
    let other = apps.pop().unwrap();
    (apps.pop().unwrap(), other)
}

fn run(world: &World, forge_id: i64, status: RunStatus, seen_at: Timestamp) -> RunRecord {
    let ctx = world.system();
    RunRecord {
        row: RunRow {
            id: ctx.id(),
            number: forge_id - 100,
            status,
            git_ref: String::from("main"),
            sha: "a1".repeat(20),
            title: String::from("Sell more"),
            author: String::from("Dana"),
            source: String::from("push"),
            created_at: seen_at,
            started_at: Some(seen_at),
            finished_at: status.is_final().then(|| seen_at.plus(forge_id)),
            failed_job: None,
        },
        forge_id,
        tag: false,
        protected: true,
        web_url: String::from("http://gitlab/p"),
        needs: Some(BTreeMap::from([(String::from("b"), vec![String::from("a")])])),
        evidence: Some(Evidence {
            tests_passed: 3,
            tests_failed: 0,
            tests_skipped: 1,
            ..Evidence::default()
        }),
        failure: Some(Text::new("no jobs", "没有作业")),
        release_trouble: Some(Text::new("no digest", "没有摘要")),
        seen_at,
        settled_at: None,
    }
}

fn job(world: &World, forge_id: i64, name: &str) -> JobRecord {
    JobRecord {
        row: JobRow {
            id: world.system().id(),
            forge_id,
            name: name.to_owned(),
            stage: String::from("test"),
            status: RunStatus::Running,
            needs: vec![String::from("a")],
            allow_failure: true,
            started_at: Some(Timestamp(5)),
            finished_at: None,
            reason: Some(Text::new("waits", "等待")),
            runner: Some(String::from("runner-1")),
            playable: false,
        },
        position: forge_id,
        has_artifacts: true,
        log_bytes: 0,
        log_complete: false,
    }
}

/// A later look at a run replaces an earlier one, never the other way round; another app never sees it.
pub async fn a_run_is_as_it_was_seen_last(world: World) {
    let (app, other) = two_apps(&world).await;
    let (see, modify, other) = (app.see(), app.modify(), other.see());
    let now = world.system().now();
    let first = run(&world, 101, RunStatus::Running, now);
    let mut tx = world.portal.store.write().await.unwrap();
    assert!(tx.put_run(&modify, &first).await.unwrap());
    let mut later = first.clone();
    later.row.status = RunStatus::Success;
    later.row.finished_at = Some(now.plus(7));
    later.seen_at = now.plus(10);
    later.settled_at = Some(now.plus(11));
    assert!(tx.put_run(&modify, &later).await.unwrap());
    assert!(
        !tx.put_run(&modify, &first).await.unwrap(),
        "an older answer is refused"
    );
    // Two looks that both thought they were first: the second has another id and is refused.
    let twin = RunRecord {
        row: RunRow {
            id: world.system().id(),
            ..later.row.clone()
        },
        ..later.clone()
    };
    assert!(!tx.put_run(&modify, &twin).await.unwrap());
    assert!(
        tx.put_run(&modify, &run(&world, 102, RunStatus::Success, now))
            .await
            .unwrap()
    );
    assert!(
        tx.put_run(&modify, &run(&world, 103, RunStatus::Failed, now))
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();

    let mut tx = world.portal.store.read().await.unwrap();
    assert_eq!(tx.run_of_pipeline(&see, 101).await.unwrap(), Some(later.clone()));
    assert_eq!(tx.run_by_number(&see, 1).await.unwrap(), Some(later.clone()));
    assert_eq!(tx.run(&see, later.row.id).await.unwrap(), Some(later.clone()));
    assert_eq!(tx.unsettled_runs(&see).await.unwrap(), [102, 103]);
    let numbers = |runs: Vec<RunRecord>| runs.iter().map(|run| run.row.number).collect::<Vec<_>>();
    assert_eq!(numbers(tx.runs(&see, None, 2).await.unwrap()), [3, 2]);
    assert_eq!(numbers(tx.runs(&see, Some(2), 2).await.unwrap()), [1]);
    assert_eq!(tx.run_durations(&see, "main", 5).await.unwrap(), [102, 7]);
    assert!(tx.run_durations(&see, "other", 5).await.unwrap().is_empty());
    assert!(tx.run(&other, later.row.id).await.unwrap().is_none());
    assert!(tx.run_by_number(&other, 1).await.unwrap().is_none());
    assert!(tx.runs(&other, None, 9).await.unwrap().is_empty());
}

/// A job that was run again leaves the run's page and keeps its log; logs only grow at their end.
pub async fn logs_grow_at_their_end_and_survive_a_retry(world: World) {
    let (app, other) = two_apps(&world).await;
    let (see, modify) = (app.see(), app.modify());
    let run = run(&world, 101, RunStatus::Running, world.system().now());
    let (one, two) = (job(&world, 1, "one"), job(&world, 2, "two"));
    let id: RunId = run.row.id;
    let mut tx = world.portal.store.write().await.unwrap();
    tx.put_run(&modify, &run).await.unwrap();
    tx.put_jobs(&modify, id, &[one.clone(), two.clone()])
        .await
        .unwrap();
    tx.append_log(&modify, one.row.id, 0, b"first \xff\x00")
        .await
        .unwrap();
    tx.append_log(&modify, one.row.id, 8, &vec![b'x'; 600_000])
        .await
        .unwrap();
    assert!(matches!(
        tx.append_log(&modify, one.row.id, 8, b"twice").await,
        Err(StoreError::Gone)
    ));
    tx.complete_log(&modify, one.row.id).await.unwrap();
    let nobody: JobId = world.system().id();
    assert!(matches!(
        tx.append_log(&modify, nobody, 0, b"x").await,
        Err(StoreError::Gone)
    ));
    assert!(matches!(
        tx.append_log(&other.modify(), one.row.id, 600_008, b"x").await,
        Err(StoreError::Gone)
    ));
    // The job `one` is run again.
    let again = job(&world, 3, "one");
    tx.put_jobs(&modify, id, &[two.clone(), again.clone()])
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut tx = world.portal.store.read().await.unwrap();
    let jobs = tx.jobs_of_run(&see, id).await.unwrap();
    assert_eq!(jobs, [two, again]);
    let before = tx.job(&see, id, one.row.id).await.unwrap().expect("it is kept");
    assert_eq!((before.log_bytes, before.log_complete), (600_008, true));
    let log = whole_log(&mut *tx, &see, one.row.id).await;
    assert_eq!((log.len(), &log[..8]), (600_008, b"first \xff\x00".as_slice()));
    assert_eq!(tx.log_piece(&see, one.row.id, 7).await.unwrap(), None);
    assert_eq!(tx.log_piece(&other.see(), one.row.id, 0).await.unwrap(), None);
    assert!(tx.job(&other.see(), id, one.row.id).await.unwrap().is_none());
    drop(tx);

    let mut tx = world.portal.store.write().await.unwrap();
    tx.clear_log(&modify, one.row.id).await.unwrap();
    tx.append_log(&modify, one.row.id, 0, b"anew").await.unwrap();
    assert_eq!(whole_log(&mut *tx, &see, one.row.id).await, b"anew");
    let state = RepositoryState {
        synced_at: Some(Timestamp(7)),
        trouble: Some(Text::new("down", "无响应")),
        hook_trouble: None,
    };
    assert_eq!(
        tx.repository_state(&see).await.unwrap(),
        RepositoryState::default()
    );
    tx.set_repository_state(&modify, &state).await.unwrap();
    tx.set_repository_state(&modify, &state).await.unwrap();
    assert_eq!(tx.repository_state(&see).await.unwrap(), state);
    assert_eq!(
        tx.repository_state(&other.see()).await.unwrap(),
        RepositoryState::default()
    );
}

fn proposal(world: &World, number: i64) -> ProposalRecord {
    let id: ProposalId = world.system().id();
    ProposalRecord {
        id,
        number,
        branch: format!("slipway/pipeline-{number}"),
        target: String::from("main"),
        title: String::from("Pipeline"),
        content: String::from("test: {}\n"),
        template: String::from("node@1.0.0"),
        params: Some(BTreeMap::from([(String::from("dir"), ".".into())])),
        base: Some(String::from("abc")),
        committed: None,
        state: ProposalState::Intended,
        iid: None,
        sha: None,
        web_url: None,
        blocked: Some(Text::new("wait", "等待")),
        author: None,
        created_at: world.system().now(),
        version: 1,
    }
}

/// Of two who change a proposal, the one who saw it last wins; drafts belong to one person in one app.
pub async fn a_proposal_is_changed_by_whoever_saw_it_last(world: World) {
    let (app, other) = two_apps(&world).await;
    let (see, modify) = (app.see(), app.modify());
    let first = proposal(&world, 1);
    let mut tx = world.portal.store.write().await.unwrap();
    tx.insert_proposal(&modify, &first).await.unwrap();
    tx.insert_proposal(&modify, &proposal(&world, 2)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.portal.store.write().await.unwrap();
    let taken = tx.insert_proposal(&modify, &proposal(&world, 2)).await;
    assert!(matches!(taken, Err(StoreError::Constraint(_))), "{taken:?}");
    drop(tx);

    let mut changed = first.clone();
    changed.state = ProposalState::Opened;
    changed.iid = Some(7);
    changed.sha = Some(String::from("def"));
    changed.committed = Some(String::from("hash"));
    changed.web_url = Some(String::from("http://gitlab/mr"));
    changed.blocked = None;
    let mut tx = world.portal.store.write().await.unwrap();
    tx.update_proposal(&modify, &changed).await.unwrap();
    assert!(matches!(
        tx.update_proposal(&modify, &changed).await,
        Err(StoreError::Gone)
    ));
    assert!(matches!(
        tx.update_proposal(&other.modify(), &proposal(&world, 1)).await,
        Err(StoreError::Gone)
    ));
    changed.version = 2;
    assert_eq!(tx.proposal(&see, first.id).await.unwrap(), Some(changed));
    assert!(tx.proposal(&other.see(), first.id).await.unwrap().is_none());
    let newest = tx.proposals(&see, 1).await.unwrap();
    assert_eq!(newest.iter().map(|p| p.number).collect::<Vec<_>>(), [2]);

    let person = world.portal.store.read().await.unwrap().people().await.unwrap()[0].id;
    let draft = Draft {
        template: String::from("node"),
        inputs: BTreeMap::from([(String::from("dir"), String::from("网站"))]),
        updated_at: Timestamp(3),
    };
    tx.put_draft(&modify, person, &draft).await.unwrap();
    tx.put_draft(&modify, person, &draft).await.unwrap();
    assert_eq!(tx.draft(&see, person).await.unwrap(), Some(draft));
    assert_eq!(tx.draft(&other.see(), person).await.unwrap(), None);
    tx.delete_draft(&modify, person).await.unwrap();
    assert_eq!(tx.draft(&see, person).await.unwrap(), None);
}

/// A version and a run have one release; it never changes but for being marked defective, once.
pub async fn a_release_is_made_once_and_never_changes(world: World) {
    let (app, other) = two_apps(&world).await;
    let (see, modify) = (app.see(), app.modify());
    let now = world.system().now();
    let run = run(&world, 101, RunStatus::Success, now);
    let mut tx = world.portal.store.write().await.unwrap();
    tx.put_run(&modify, &run).await.unwrap();
    tx.commit().await.unwrap();
    let release = |version: &str, run: Option<RunId>| ReleaseRecord {
        id: world.system().id(),
        app: app.id(),
        version: version.to_owned(),
        sha: "a1".repeat(20),
        git_ref: String::from("main"),
        run,
        images: vec![Image {
            repository: String::from("r/app"),
            digest: format!("sha256:{}", "b2".repeat(32)),
        }],
        workload: Workload::default(),
        template: Some(String::from("node@1.0.0")),
        commits: Vec::new(),
        previous: None,
        evidence: Evidence::default(),
        created_at: world.system().now(),
        created_by: None,
        defective: None,
    };
    let first = release("1.0.0", Some(run.row.id));
    let mut tx = world.portal.store.write().await.unwrap();
    tx.insert_release(&modify, &first).await.unwrap();
    tx.commit().await.unwrap();
    for twin in [release("1.0.0", None), release("1.0.1", Some(run.row.id))] {
        let mut tx = world.portal.store.write().await.unwrap();
        let refused = tx.insert_release(&modify, &twin).await;
        assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    }
    let mut tx = world.portal.store.write().await.unwrap();
    assert_eq!(
        tx.release_of_run(&see, run.row.id).await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(
        tx.release_by_version(&see, "1.0.0").await.unwrap(),
        Some(first.clone())
    );
    assert!(
        tx.release_by_version(&other.see(), "1.0.0")
            .await
            .unwrap()
            .is_none()
    );
    let second = release("1.1.0", None);
    tx.insert_release(&modify, &second).await.unwrap();
    let versions = |list: Vec<ReleaseRecord>| list.into_iter().map(|r| r.version).collect::<Vec<_>>();
    assert_eq!(
        versions(tx.releases(&see, None, 9).await.unwrap()),
        ["1.1.0", "1.0.0"]
    );
    assert_eq!(
        versions(tx.releases(&see, Some(second.created_at), 9).await.unwrap()),
        ["1.0.0"]
    );
    tx.mark_defective(&modify, first.id, now, "loses orders")
        .await
        .unwrap();
    assert!(matches!(
        tx.mark_defective(&modify, first.id, now, "again").await,
        Err(StoreError::Gone)
    ));
    assert!(matches!(
        tx.mark_defective(&other.modify(), second.id, now, "x").await,
        Err(StoreError::Gone)
    ));
    let marked = ReleaseRecord {
        defective: Some((now, String::from("loses orders"))),
        ..first
    };
    assert_eq!(tx.release(&see, marked.id).await.unwrap(), Some(marked));
}

/// What was rendered of a release is kept once for an environment, and a commit is found by the beginning of its hash; in
/// their own app alone.
pub async fn a_release_keeps_its_manifests_and_is_found_by_its_commits(world: World) {
    let (app, other) = two_apps(&world).await;
    let (see, modify) = (app.see(), app.modify());
    let now = world.system().now();
    let release = |version: &str, sha: &str, brought: &str| ReleaseRecord {
        id: world.system().id(),
        app: app.id(),
        version: version.to_owned(),
        sha: sha.repeat(20),
        git_ref: String::from("main"),
        run: None,
        images: Vec::new(),
        workload: Workload::default(),
        template: None,
        commits: vec![Commit {
            sha: brought.repeat(20),
            title: String::from("a change"),
            author: String::from("Dora"),
            author_email: String::new(),
            at: now,
        }],
        previous: None,
        evidence: Evidence::default(),
        created_at: world.system().now(),
        created_by: None,
        defective: None,
    };
    let (first, second) = (release("1.0.0", "a1", "a1"), release("1.1.0", "b2", "c3"));
    let kept = |environment: &str| ReleaseManifests {
        environment: environment.to_owned(),
        objects: vec![serde_json::json!({ "kind": "Deployment", "metadata": { "name": "网站" } })],
        hash: String::from("00"),
    };
    let mut tx = world.portal.store.write().await.unwrap();
    for release in [&first, &second] {
        tx.insert_release(&modify, release).await.unwrap();
    }
    for key in ["qa", "dev"] {
        tx.insert_manifests(&modify, second.id, &kept(key)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = world.portal.store.write().await.unwrap();
    let twice = tx.insert_manifests(&modify, second.id, &kept("qa")).await;
    assert!(matches!(twice, Err(StoreError::Constraint(_))), "{twice:?}");
    drop(tx);
    let mut tx = world.portal.store.read().await.unwrap();
    assert_eq!(
        tx.manifests_of(&see, second.id).await.unwrap(),
        [kept("dev"), kept("qa")]
    );
    assert!(tx.manifests_of(&other.see(), second.id).await.unwrap().is_empty());
    assert!(tx.manifests_of(&see, first.id).await.unwrap().is_empty());
    for (sha, expected) in [
        ("c3c3c3c", vec!["1.1.0"]),
        ("b2b2b2b2", vec!["1.1.0"]),
        ("a1a1a1a", vec!["1.0.0"]),
        ("c3c3d", Vec::new()),
    ] {
        let found = tx.releases_with_commit(&see, sha, 9).await.unwrap();
        let versions: Vec<_> = found.iter().map(|release| release.version.as_str()).collect();
        assert_eq!(versions, expected, "{sha}");
        let elsewhere = tx.releases_with_commit(&other.see(), sha, 9).await.unwrap();
        assert!(elsewhere.is_empty());
    }
}

/// A webhook that comes twice is stored once; only its own app works on it.
pub async fn a_delivery_is_stored_once(world: World) {
    let (app, other) = two_apps(&world).await;
    let ctx = world.system();
    let delivery = |app: AppId, key: &str| DeliveryRecord {
        id: ctx.id(),
        org: other.org_id(),
        app,
        key: key.to_owned(),
        event: String::from("Push Hook"),
        hint: String::from("{}"),
        received_at: ctx.now(),
    };
    let first = delivery(app.id(), "a");
    let mut tx = world.portal.store.write().await.unwrap();
    assert!(tx.insert_delivery(&first).await.unwrap());
    assert!(!tx.insert_delivery(&delivery(app.id(), "a")).await.unwrap());
    assert!(tx.insert_delivery(&delivery(app.id(), "b")).await.unwrap());
    assert!(tx.insert_delivery(&delivery(other.id(), "a")).await.unwrap());
    let waiting = tx.waiting_deliveries(&app.modify(), 9).await.unwrap();
    assert_eq!((waiting.len(), &waiting[0]), (2, &first));
    tx.finish_deliveries(&other.modify(), &[first.id], ctx.now())
        .await
        .unwrap();
    assert_eq!(tx.waiting_deliveries(&app.modify(), 9).await.unwrap().len(), 2);
    tx.finish_deliveries(&app.modify(), &[first.id], ctx.now())
        .await
        .unwrap();
    assert_eq!(tx.waiting_deliveries(&app.modify(), 9).await.unwrap().len(), 1);
    assert!(
        !tx.insert_delivery(&first).await.unwrap(),
        "what was worked on is known too"
    );
    tx.delete_deliveries(&app.modify(), ctx.now()).await.unwrap();
    assert!(tx.insert_delivery(&first).await.unwrap());
    assert!(tx.hook_secret(app.id()).await.unwrap().is_none());
}

/// A connection keeps its token sealed and tells how the last call went.
pub async fn a_connection_tells_how_the_last_call_went(world: World) {
    let owner = world.person("owner").await;
    let org = world.org("acme", owner.id).await;
    let input = connection::Input {
        name: String::from("GitLab"),
        base_url: String::from("https://gitlab.example.com/"),
        token: String::from("glpat-secret"),
    };
    let ctx = world.as_person(&owner);
    let id: ConnectionId = connection::create(&ctx, "acme", input.clone()).await.unwrap();
    assert!(
        connection::create(&ctx, "acme", input).await.is_err(),
        "the name is taken"
    );
    let mut tx = world.portal.store.write().await.unwrap();
    let record = tx.connection(org.id, id).await.unwrap().expect("it is there");
    assert_eq!(record.connection.base_url, "https://gitlab.example.com");
    assert!(!record.token.contains("glpat"));
    assert_eq!(
        world.portal.sealer.open(&id.to_string(), &record.token).unwrap(),
        "glpat-secret"
    );
    let (at, trouble) = (world.system().now(), Text::new("down", "无响应"));
    tx.note_connection(id, at, None).await.unwrap();
    tx.note_connection(id, at.plus(9), Some(&trouble)).await.unwrap();
    let noted = tx.connection(org.id, id).await.unwrap().unwrap().connection;
    assert_eq!((noted.last_ok_at, noted.trouble), (Some(at), Some(trouble)));
    tx.note_connection(id, at.plus(10), None).await.unwrap();
    let noted = tx.connections(org.id).await.unwrap().remove(0).connection;
    assert_eq!((noted.last_ok_at, noted.trouble), (Some(at.plus(10)), None));
}

/// A log, piece by piece; each is small.
async fn whole_log(tx: &mut dyn Tx, app: &Authorized<App, may::See>, job: JobId) -> Vec<u8> {
    let mut log = Vec::new();
    while let Some(piece) = tx
        .log_piece(app, job, i64::try_from(log.len()).unwrap())
        .await
        .unwrap()
    {
        assert!(piece.len() <= 256 * 1024);
        log.extend_from_slice(&piece);
    }
    log
}

/// What GitLab said last is kept for its app alone, and nothing earlier takes its place.
pub async fn what_gitlab_said_last_is_kept(world: World) {
    let (app, other) = two_apps(&world).await;
    let at = |seen: i64| Timestamp(1_000_000 * seen);
    let said = |content: &str, seen: i64| Snapshot {
        content: content.to_owned(),
        seen_at: at(seen),
    };
    let kinds = [
        SnapshotKind::Schedules,
        SnapshotKind::Variables,
        SnapshotKind::Reports,
        SnapshotKind::Artifacts,
    ];
    let mut tx = world.portal.store.write().await.unwrap();
    for kind in kinds {
        tx.put_snapshot(&app.modify(), kind, "", &said(kind.key(), 5))
            .await
            .unwrap();
        tx.put_snapshot(&app.modify(), kind, "run", &said("of a run", 5))
            .await
            .unwrap();
    }
    tx.put_snapshot(&app.modify(), SnapshotKind::Reports, "run", &said("earlier", 4))
        .await
        .unwrap();
    tx.put_snapshot(&app.modify(), SnapshotKind::Artifacts, "run", &said("later", 6))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.portal.store.read().await.unwrap();
    let (see, elsewhere) = (app.see(), other.see());
    for kind in kinds {
        let kept = tx.snapshot(&see, kind, "").await.unwrap();
        assert_eq!(kept, Some(said(kind.key(), 5)));
        assert_eq!(tx.snapshot(&see, kind, "another").await.unwrap(), None);
        assert_eq!(tx.snapshot(&elsewhere, kind, "").await.unwrap(), None);
    }
    let of_run = tx.snapshot(&see, SnapshotKind::Reports, "run").await.unwrap();
    assert_eq!(of_run, Some(said("of a run", 5)));
    let later = tx.snapshot(&see, SnapshotKind::Artifacts, "run").await.unwrap();
    assert_eq!(later, Some(said("later", 6)));
    drop(tx);
    let mut tx = world.portal.store.write().await.unwrap();
    tx.forget_snapshots(&other.modify()).await.unwrap();
    assert!(
        tx.snapshot(&see, SnapshotKind::Schedules, "")
            .await
            .unwrap()
            .is_some()
    );
    tx.forget_snapshots(&app.modify()).await.unwrap();
    assert_eq!(
        tx.snapshot(&see, SnapshotKind::Schedules, "").await.unwrap(),
        None
    );
    let of_run = tx.snapshot(&see, SnapshotKind::Reports, "run").await.unwrap();
    assert_eq!(
        of_run,
        Some(said("of a run", 5)),
        "what was kept of a run stays with it"
    );
    tx.commit().await.unwrap();
}
