//! Environments, stops and promotions.

#![expect(clippy::missing_panics_doc, reason = "a test panics")]

use super::World;
use slipway_domain::access::Role;
use slipway_domain::app::Observed;
use slipway_domain::approval::{ApprovalPolicy, Decision, Verdict};
use slipway_domain::environment::{Health, Tier};
use slipway_domain::id::{DecisionId, EnvironmentId, PromotionId};
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::{DeploymentState, PromotionKind, PromotionState};
use slipway_domain::release::{Evidence, Image, Workload};
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, MINUTE, SECOND};
use slipway_portal::access::{self, App, Authorized, may};
use slipway_portal::environment::bind;
use slipway_portal::ports::{
    DeploymentRecord, NowRunning, PromotionRecord, ReleaseRecord, StoreError, SubjectRecord, Tx,
};
use slipway_portal::{OpCtx, app, cluster, environment, org, project};

pub(super) struct Place {
    pub(super) system: OpCtx,
    pub(super) app: Authorized<App, may::Modify>,
    other: Authorized<App, may::Modify>,
    pub(super) dev: EnvironmentId,
    qa: EnvironmentId,
    pub(super) lea: PersonRef,
    pub(super) release: ReleaseRecord,
}

pub(super) async fn place(world: &World) -> Place {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    let input = project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    project::create(&owner, "acme", input).await.unwrap();
    let lea = world.person("lea").await;
    org::grant(&owner, "acme", Some("checkout"), lea.id, Role::ProjectLead)
        .await
        .unwrap();
    for slug in ["order-api", "web"] {
        let input = app::Input {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            description: String::new(),
        };
        app::create(&owner, "acme", "checkout", input).await.unwrap();
    }
    let input = cluster::Input {
        name: String::from("one"),
        kubeconfig: String::from("{}"),
        context: None,
    };
    let cluster = cluster::create(&owner, "acme", input).await.unwrap();
    environment::create_default_chain(&owner, "acme", "checkout", |key| {
        Some((cluster, format!("checkout-{key}")))
    })
    .await
    .unwrap();
    let system = world.system();
    let app = access::app::<may::AppManage>(&system, "acme", "checkout", "order-api")
        .await
        .unwrap()
        .modify();
    let other = access::app::<may::AppManage>(&system, "acme", "checkout", "web")
        .await
        .unwrap()
        .modify();
    let mut tx = system.read().await.unwrap();
    let project = access::project::<may::See>(&system, "acme", "checkout")
        .await
        .unwrap();
    let chain = tx.environments(&project).await.unwrap();
    let release = release(&system, &app, "1.0.0", 1);
    let mut writing = world.portal.store.write().await.unwrap();
    writing.insert_release(&app, &release).await.unwrap();
    writing.commit().await.unwrap();
    Place {
        dev: chain[0].environment.id,
        qa: chain[1].environment.id,
        system,
        app,
        other,
        lea,
        release,
    }
}

fn release(ctx: &OpCtx, app: &Authorized<App, may::Modify>, version: &str, digest: u64) -> ReleaseRecord {
    ReleaseRecord {
        id: ctx.id(),
        app: app.id(),
        version: version.to_owned(),
        sha: format!("{digest:040x}"),
        git_ref: String::from("main"),
        run: None,
        images: vec![Image {
            repository: String::from("r/a"),
            digest: format!("sha256:{digest:064x}"),
        }],
        workload: Workload::default(),
        template: None,
        commits: Vec::new(),
        previous: None,
        evidence: Evidence::default(),
        created_at: ctx.now(),
        created_by: None,
        defective: None,
    }
}

pub(super) fn promotion(
    place: &Place,
    environment: EnvironmentId,
    release: &ReleaseRecord,
) -> PromotionRecord {
    let now = place.system.now();
    PromotionRecord {
        id: place.system.id(),
        release: release.id,
        environment,
        kind: PromotionKind::Promotion,
        state: PromotionState::Requested,
        version: 1,
        reason: None,
        subjects: vec![SubjectRecord {
            subject: String::from("s"),
            rules_version: 1,
            manifests: String::from("m"),
        }],
        gates: Vec::new(),
        evaluation: None,
        waiver: Some(String::from("hotfix")),
        requested_by: Some(place.lea.id),
        requested_at: now,
        expires_at: now.plus(DAY),
        tries: 0,
        base: None,
        ended_at: None,
        idempotency_key: None,
        pauses: Vec::new(),
        on_behalf_of: None,
    }
}

fn deployment(
    place: &Place,
    of: &PromotionRecord,
    attempt: i64,
    cluster: slipway_domain::id::ClusterId,
) -> DeploymentRecord {
    DeploymentRecord {
        id: place.system.id(),
        promotion: of.id,
        release: of.release,
        environment: of.environment,
        attempt,
        state: DeploymentState::Applying,
        fence: 1,
        cluster,
        namespace: String::from("checkout-dev"),
        manifests: vec![serde_json::json!({ "kind": "Deployment" })],
        reason: None,
        ready: 0,
        desired: 2,
        health: Health::Progressing,
        trouble: Vec::new(),
        started_at: place.system.now(),
        applied_at: None,
        finished_at: None,
        observed_at: None,
        trouble_since: None,
        lost_at: None,
        takes: Vec::new(),
        warnings: Vec::new(),
    }
}

/// `acme/checkout/order-api` of `ada` and `lea`, with a release that runs at `dev`.
pub(super) async fn running_app(world: &World) {
    let place = place(world).await;
    let mut record = promotion(&place, place.dev, &place.release);
    insert(world, &place, &record).await;
    let project = access::project_of(&place.app.see());
    let chain = place
        .system
        .read()
        .await
        .unwrap()
        .environments(&project)
        .await
        .unwrap();
    let cluster = chain[0].binding.clone().unwrap().cluster;
    let attempt = deployment(&place, &record, 1, cluster);
    record.state = PromotionState::Succeeded;
    record.ended_at = Some(place.system.now());
    let running = NowRunning {
        deployment: attempt.id,
        release: attempt.release,
        at: place.system.now(),
        by: Some(place.lea.id),
    };
    let mut tx = write(world).await;
    tx.insert_deployment(&place.app, &attempt).await.unwrap();
    tx.update_promotion(&place.app, &record).await.unwrap();
    tx.set_running(&place.app, place.dev, &running).await.unwrap();
    tx.commit().await.unwrap();
}

/// Kubernetes reports that of what runs at `dev` of [`running_app`].
pub(super) async fn reported(world: &World, health: Health) {
    let system = world.system();
    let app = access::app::<may::Rollback>(&system, "acme", "checkout", "order-api")
        .await
        .unwrap();
    let project = access::project_of(&app);
    let chain = system.read().await.unwrap().environments(&project).await.unwrap();
    let observed = Observed {
        health,
        reason: None,
        ready: 0,
        desired: 2,
        at: system.now(),
    };
    let mut tx = write(world).await;
    tx.set_observed(&app.modify(), chain[0].environment.id, &observed)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn write(world: &World) -> Box<dyn Tx> {
    world.portal.store.write().await.unwrap()
}

pub(super) async fn insert(world: &World, place: &Place, record: &PromotionRecord) {
    let mut tx = write(world).await;
    tx.insert_promotion(&place.app, record).await.unwrap();
    tx.refresh_open(&place.app, record.environment).await.unwrap();
    tx.commit().await.unwrap();
}

/// A promotion reads back as it was written, is changed only by whoever knows its version, and is no other app's.
pub async fn a_promotion_is_changed_by_whoever_saw_it_last(world: World) {
    let place = place(&world).await;
    let mut record = promotion(&place, place.dev, &place.release);
    record.idempotency_key = Some(String::from("k"));
    insert(&world, &place, &record).await;
    let see = place.app.see();
    let mut tx = place.system.read().await.unwrap();
    assert_eq!(
        tx.promotion(&see, record.id).await.unwrap().as_ref(),
        Some(&record)
    );
    assert_eq!(tx.promotion(&place.other.see(), record.id).await.unwrap(), None);
    assert_eq!(
        tx.app_of_promotion(record.id).await.unwrap(),
        Some(place.app.id())
    );
    assert_eq!(tx.promotion_of_key(&see, "k").await.unwrap(), Some(record.id));
    assert_eq!(tx.promotion_of_key(&place.other.see(), "k").await.unwrap(), None);
    drop(tx);

    let mut second = promotion(&place, place.dev, &place.release);
    second.idempotency_key = Some(String::from("k"));
    let mut tx = write(&world).await;
    assert!(matches!(
        tx.insert_promotion(&place.app, &second).await,
        Err(StoreError::Constraint(_))
    ));
    drop(tx);

    record.state = PromotionState::Waiting;
    record.reason = Some(Text::new("waits", "等待"));
    let mut tx = write(&world).await;
    assert!(matches!(
        tx.update_promotion(&place.other, &record).await,
        Err(StoreError::Gone)
    ));
    drop(tx);
    let mut tx = write(&world).await;
    tx.update_promotion(&place.app, &record).await.unwrap();
    assert!(matches!(
        tx.update_promotion(&place.app, &record).await,
        Err(StoreError::Gone)
    ));
    tx.commit().await.unwrap();
    let mut tx = place.system.read().await.unwrap();
    let now = tx.promotion(&see, record.id).await.unwrap().unwrap();
    assert_eq!(
        (now.version, now.state, now.reason),
        (2, PromotionState::Waiting, record.reason.clone())
    );
    let row = tx.promotion_row(&see, record.id).await.unwrap().unwrap();
    assert_eq!(
        (row.release.version.as_str(), row.environment.key.as_str()),
        ("1.0.0", "dev")
    );
    assert_eq!(row.requested_by.map(|p| p.username), Some(String::from("lea")));
    assert_eq!(tx.promotion_rows(&see, None, 10).await.unwrap().len(), 1);
    assert!(
        tx.promotion_rows(&place.other.see(), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        tx.pending_in(place.app.org_id()).await.unwrap(),
        [(record.id, place.app.id())]
    );
    assert_eq!(
        tx.pending_promotions(&see, Some(place.dev)).await.unwrap().len(),
        1
    );
    assert!(
        tx.pending_promotions(&see, Some(place.qa))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        tx.unfinished_of(place.lea.id, 10).await.unwrap(),
        [(record.id, place.app.id())]
    );
}

/// A lock has one owner until its lease ends, and every new owner a larger fence.
pub async fn a_stop_has_one_lock_and_a_fence_that_only_grows(world: World) {
    let place = place(&world).await;
    let (a, b) = (
        promotion(&place, place.dev, &place.release),
        promotion(&place, place.dev, &place.release),
    );
    insert(&world, &place, &a).await;
    insert(&world, &place, &b).await;
    let now = place.system.now();
    let take = async |owner: PromotionId, at: i64| {
        let mut tx = write(&world).await;
        let (at, until) = (now.plus(at), now.plus(at + MINUTE));
        let lock = tx
            .take_lock(&place.app, place.dev, owner, at, until)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        lock.map(|lock| lock.fence)
    };
    assert_eq!(take(a.id, 0).await, Some(1));
    assert_eq!(take(b.id, SECOND).await, None, "somebody else has it");
    assert_eq!(take(a.id, SECOND).await, Some(1), "its owner renews it");
    let stop = place
        .system
        .read()
        .await
        .unwrap()
        .stop(&place.app.see(), place.dev)
        .await
        .unwrap();
    assert_eq!(
        stop.lock.map(|l| (l.owner, l.lease_until)),
        Some((a.id, now.plus(SECOND + MINUTE)))
    );
    assert_eq!(take(b.id, 2 * MINUTE).await, Some(2), "its lease has ended");
    let mut tx = write(&world).await;
    tx.release_lock(&place.app, place.dev, a.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        take(a.id, 2 * MINUTE).await,
        None,
        "who lost it cannot give it back"
    );
    let mut tx = write(&world).await;
    tx.release_lock(&place.app, place.dev, b.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(take(a.id, 2 * MINUTE).await, Some(3));
    // Many at once: one has it.
    let mut tx = write(&world).await;
    tx.release_lock(&place.app, place.dev, a.id).await.unwrap();
    tx.commit().await.unwrap();
    let claims =
        futures::future::join_all((0..6).map(|n| take(if n % 2 == 0 { a.id } else { b.id }, 3 * MINUTE)))
            .await;
    let fences: std::collections::BTreeSet<_> = claims.into_iter().flatten().collect();
    assert_eq!(fences.into_iter().collect::<Vec<_>>(), [4]);
}

/// The lane shows what runs, what is on its way, and what failed after what runs; the grid shows the same.
#[expect(clippy::too_many_lines, reason = "one story from nothing to a failure on top")]
pub async fn the_lane_and_the_grid_show_the_same_stops(world: World) {
    let place = place(&world).await;
    let see = place.app.see();
    let project = access::project_of(&see);
    let mut tx = place.system.read().await.unwrap();
    let lane = tx.app_lane(&see).await.unwrap();
    assert_eq!(
        lane.iter()
            .map(|s| s.environment.key.as_str())
            .collect::<Vec<_>>(),
        ["dev", "qa", "uat", "live"]
    );
    assert!(
        lane.iter()
            .all(|s| s.current.is_none() && s.open.is_none() && s.observed.is_none())
    );
    let cluster = tx.environments(&project).await.unwrap()[0]
        .binding
        .clone()
        .unwrap()
        .cluster;
    drop(tx);

    let mut first = promotion(&place, place.dev, &place.release);
    insert(&world, &place, &first).await;
    let attempt = deployment(&place, &first, 1, cluster);
    let mut tx = write(&world).await;
    tx.insert_deployment(&place.app, &attempt).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = write(&world).await;
    let twice = DeploymentRecord {
        id: place.system.id(),
        ..attempt.clone()
    };
    assert!(
        matches!(
            tx.insert_deployment(&place.app, &twice).await,
            Err(StoreError::Constraint(_))
        ),
        "one of a number"
    );
    drop(tx);
    let open = place.system.read().await.unwrap().app_lane(&see).await.unwrap()[0]
        .open
        .clone()
        .unwrap();
    assert_eq!((open.id, open.version.as_str()), (first.id, "1.0.0"));

    // It succeeds.
    let now = place.system.now();
    first.state = PromotionState::Succeeded;
    first.ended_at = Some(now);
    let done = DeploymentRecord {
        state: DeploymentState::Succeeded,
        finished_at: Some(now),
        ready: 2,
        ..attempt.clone()
    };
    let mut tx = write(&world).await;
    tx.update_promotion(&place.app, &first).await.unwrap();
    let wrong = tx
        .update_deployment(&place.app, &done, DeploymentState::Watching)
        .await;
    assert!(matches!(wrong, Err(StoreError::Gone)), "it stands elsewhere");
    drop(tx);
    let mut tx = write(&world).await;
    tx.update_promotion(&place.app, &first).await.unwrap();
    tx.update_deployment(&place.app, &done, DeploymentState::Applying)
        .await
        .unwrap();
    let running = NowRunning {
        deployment: done.id,
        release: done.release,
        at: now,
        by: Some(place.lea.id),
    };
    tx.set_running(&place.app, place.dev, &running).await.unwrap();
    tx.set_commits_ahead(&place.app, place.dev, Some(3))
        .await
        .unwrap();
    let observed = Observed {
        health: Health::Healthy,
        reason: None,
        ready: 2,
        desired: 2,
        at: now,
    };
    tx.set_observed(&place.app, place.dev, &observed).await.unwrap();
    tx.refresh_open(&place.app, place.dev).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = place.system.read().await.unwrap();
    let lane = tx.app_lane(&see).await.unwrap();
    let current = lane[0].current.clone().unwrap();
    assert_eq!(
        (current.version.as_str(), current.at, current.deployment),
        ("1.0.0", now, done.id)
    );
    assert_eq!(current.by.map(|p| p.username), Some(String::from("lea")));
    assert_eq!(
        (lane[0].commits_ahead, &lane[0].observed, &lane[0].open),
        (Some(3), &Some(observed), &None)
    );
    assert_eq!(tx.deployment(&see, done.id).await.unwrap(), Some(done.clone()));
    assert!(
        tx.deployment(&place.other.see(), done.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(tx.verified_in(&see, place.dev, place.release.id).await.unwrap());
    assert!(!tx.verified_in(&see, place.qa, place.release.id).await.unwrap());
    assert_eq!(
        tx.last_verified(&see, place.dev, place.system.now())
            .await
            .unwrap(),
        Some(place.release.id)
    );
    assert_eq!(
        tx.last_verified(&see, place.dev, place.release.created_at)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        tx.running_in(&see, place.release.id).await.unwrap(),
        [lane[0].environment.clone()]
    );
    assert_eq!(tx.running_stops().await.unwrap(), [(place.app.id(), place.dev)]);
    drop(tx);

    // A later one that failed shows; an earlier one that ended does not.
    let mut failed = promotion(&place, place.dev, &place.release);
    failed.state = PromotionState::Failed;
    failed.ended_at = Some(place.system.now());
    insert(&world, &place, &failed).await;
    let mut old = promotion(&place, place.dev, &place.release);
    old.state = PromotionState::Cancelled;
    old.requested_at = now.plus(-DAY);
    old.ended_at = Some(now.plus(-DAY));
    insert(&world, &place, &old).await;
    let mut tx = place.system.read().await.unwrap();
    let lane = tx.app_lane(&see).await.unwrap();
    assert_eq!(
        lane[0].open.as_ref().map(|p| (p.id, p.state)),
        Some((failed.id, PromotionState::Failed))
    );
    let grid = tx.project_grid(&project).await.unwrap();
    assert_eq!(
        grid.iter().map(|row| row.app.slug.as_str()).collect::<Vec<_>>(),
        ["order-api", "web"]
    );
    assert_eq!(grid[0].stops, lane);
    assert_eq!(grid[1].stops.len(), 4);
    assert!(grid[1].stops.iter().all(|s| s.current.is_none()));
}

/// Decisions are kept in order; turns are counted for each person, and who gains or loses one is told.
pub async fn decisions_and_turns_are_kept_by_person(world: World) {
    let place = place(&world).await;
    let (ben, cyd) = (world.person("ben").await, world.person("cyd").await);
    let record = promotion(&place, place.dev, &place.release);
    insert(&world, &place, &record).await;
    let decide = |by: &PersonRef, verdict| Decision {
        id: place.system.id::<DecisionId>(),
        by: by.clone(),
        rule: Some(String::from("a")),
        verdict,
        comment: String::from("因为"),
        subject: String::from("s"),
        at: place.system.now(),
        represents: None,
        named_as: Some(String::from("project.lead")),
    };
    let (yes, no) = (decide(&ben, Verdict::Approve), decide(&cyd, Verdict::Reject));
    let mut tx = write(&world).await;
    tx.insert_decision(&place.app, record.id, &yes).await.unwrap();
    tx.insert_decision(&place.app, record.id, &no).await.unwrap();
    assert_eq!(tx.set_turns(record.id, &[ben.id, cyd.id]).await.unwrap().len(), 2);
    assert_eq!(tx.set_turns(record.id, &[cyd.id]).await.unwrap(), [ben.id]);
    assert!(tx.set_turns(record.id, &[cyd.id]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let mut tx = place.system.read().await.unwrap();
    assert_eq!(
        tx.decisions(&place.app.see(), record.id).await.unwrap(),
        [yes, no]
    );
    assert!(
        tx.decisions(&place.other.see(), record.id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        (
            tx.turns_of(ben.id).await.unwrap(),
            tx.turns_of(cyd.id).await.unwrap()
        ),
        (0, 1)
    );
    assert_eq!(
        tx.decided_by(ben.id, 10).await.unwrap(),
        [(record.id, place.app.id())]
    );
    assert!(tx.decided_by(place.lea.id, 10).await.unwrap().is_empty());
}

/// An environment is changed by whoever saw it last; keys and namespaces are taken once.
pub async fn an_environment_is_changed_by_whoever_saw_it_last(world: World) {
    let place = place(&world).await;
    let lea = world.as_person(&place.lea);
    let list = environment::list(&lea, "acme", "checkout").await.unwrap();
    let dev = &list.environments[0];
    let binding = dev.binding.as_ref().map(|b| (b.cluster, b.namespace.clone()));
    let input = |key: &str, namespace: &str| environment::Input {
        key: key.to_owned(),
        name: String::from("Dev 2"),
        tier: Tier::Testing,
        binding: binding
            .as_ref()
            .map(|(cluster, _)| (*cluster, namespace.to_owned())),
        branches: vec![String::from("next/*")],
        policy: ApprovalPolicy::default(),
        gating: slipway_domain::environment::Gating::default(),
    };
    let save = |key: &'static str, namespace: &'static str, version| {
        environment::edit(&lea, "acme", "checkout", "dev", version, input(key, namespace))
    };
    assert_eq!(
        save("qa", "checkout-dev", dev.version).await.unwrap_err().code(),
        "invalid"
    );
    assert_eq!(
        save("dev", "checkout-qa", dev.version).await.unwrap_err().code(),
        "invalid"
    );
    save("dev", "checkout-dev2", dev.version).await.unwrap();
    assert_eq!(
        save("dev", "checkout-dev3", dev.version)
            .await
            .unwrap_err()
            .code(),
        "changed_meanwhile"
    );
    let keys = ["live", "uat", "qa", "dev"].map(str::to_owned);
    environment::reorder(&lea, "acme", "checkout", &keys)
        .await
        .unwrap();
    let list = environment::list(&lea, "acme", "checkout").await.unwrap();
    assert_eq!(
        list.environments
            .iter()
            .map(|e| &e.environment.key)
            .collect::<Vec<_>>(),
        keys.iter().collect::<Vec<_>>()
    );
    let dev = list.environments.last().unwrap();
    assert_eq!(
        (dev.environment.name.as_str(), dev.environment.tier),
        ("Dev 2", Tier::Testing)
    );
    assert_eq!(
        (dev.branches.clone(), dev.rules_version),
        (vec![String::from("next/*")], 1)
    );
    assert_eq!(
        dev.binding.as_ref().map(|b| b.namespace.as_str()),
        Some("checkout-dev2")
    );
    let live = &list.environments[0];
    assert_eq!(live.rules.len(), 3);
    assert!(
        live.rules.iter().all(|rule| rule.people.is_empty()),
        "nobody holds these roles yet"
    );
    let live = &list.environments[0];
    let bound = bind::Input {
        cluster: binding.as_ref().map(|(cluster, _)| *cluster),
        namespace: String::from("checkout-live2"),
        branches: vec![String::from("release/*")],
        step_up: true,
    };
    let save = |input, version| bind::bind(&lea, "acme", "checkout", "live", version, input);
    let taken = bind::Input {
        namespace: String::from("checkout-qa"),
        ..bound.clone()
    };
    assert_eq!(save(taken, live.version).await.unwrap_err().code(), "invalid");
    save(bound.clone(), live.version).await.unwrap();
    assert_eq!(
        save(bound, live.version).await.unwrap_err().code(),
        "changed_meanwhile"
    );
    let after = environment::list(&lea, "acme", "checkout").await.unwrap();
    let after = &after.environments[0];
    assert_eq!(
        after.environment, live.environment,
        "what it is called and where it stands"
    );
    assert_eq!(after.policy.rules, live.policy.rules);
    assert!(after.policy.step_up && after.rules_version > live.rules_version);
    assert_eq!(after.branches, ["release/*"]);
    assert_eq!(after.binding.as_ref().unwrap().namespace, "checkout-live2");
}
