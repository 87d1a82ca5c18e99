//! Looking at pods, reading their logs, scaling and restarting.

use super::stage::{APP, ORG, PROJECT, Stage, code, release_in};
use futures::StreamExt as _;
use slipway_domain::audit::Outcome;
use slipway_domain::drift::Settlement;
use slipway_domain::pod::{LogAsk, PodsPage};
use slipway_domain::promotion::PromotionState;
use slipway_domain::release::Workload;
use slipway_domain::time::MINUTE;
use slipway_portal::{app, drift, pod};
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::time::{Duration, Instant};

const OF: pod::Of<'static> = (ORG, PROJECT, APP);

async fn page(stage: &Stage, environment: &str) -> PodsPage {
    pod::page(&stage.as_person(&stage.people.tess), OF, environment)
        .await
        .expect("the page")
}

fn of(pod: &str) -> LogAsk {
    LogAsk {
        pod: pod.to_owned(),
        container: String::new(),
        previous: false,
        lines: 100,
    }
}

/// Looks until it is so.
async fn until(stage: &Stage, what: &str, done: impl Fn(&PodsPage) -> bool) -> PodsPage {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let page = page(stage, "qa").await;
        if done(&page) {
            return page;
        }
        assert!(Instant::now() < deadline, "{what}: {page:#?}");
        stage.tick().await;
    }
}

pub async fn the_pods_of_an_app_are_shown_with_what_happened_to_them(stage: Stage) {
    let empty = page(&stage, "qa").await;
    assert!(empty.pods.is_empty() && empty.current.is_none() && empty.trouble.is_none());
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    let shown = page(&stage, "qa").await;
    assert_eq!((shown.desired, shown.pods.len()), (Some(2), 2));
    for one in &shown.pods {
        assert_eq!(
            (one.status.as_str(), one.ready, one.newest),
            ("Running", true, true)
        );
        assert!(one.node.is_some() && one.created_at.is_some());
        assert_eq!(one.containers.len(), 1);
        assert_eq!(one.containers[0].image, super::stage::image(1).reference());
    }
    assert!(
        shown
            .events
            .iter()
            .any(|event| event.object.starts_with("Pod ") && !event.warning)
    );
    assert!(shown.events.is_sorted_by_key(|event| std::cmp::Reverse(event.at)));
    assert!(!shown.may_scale, "a tester looks");

    // A crash is told by its reason, its restarts and its events; the pods of the revision before are still shown.
    stage.release("1.1.0", 2).await;
    stage.behave(2, "crash-loop");
    let id = stage.ask_skipping(&stage.people.lea, "1.1.0", "qa").await;
    stage.reaches(id, PromotionState::Failed).await;
    let shown = page(&stage, "qa").await;
    let broken: Vec<_> = shown.pods.iter().filter(|pod| pod.newest).collect();
    assert!(
        broken.iter().any(|pod| pod.restarts >= 3 && !pod.ready),
        "{broken:?}"
    );
    assert!(shown.pods.iter().any(|pod| !pod.newest && pod.ready));
    assert!(
        shown
            .events
            .iter()
            .any(|event| event.warning && event.reason == "BackOff"),
        "{:?}",
        shown.events
    );

    // A cluster that does not answer is no error of the page.
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), Fault::Status { code: 503 }, None)
        .expect("a fault");
    let silent = page(&stage, "qa").await;
    assert!(silent.pods.is_empty() && silent.trouble.is_some());
}

pub async fn a_log_is_read_and_followed_and_each_reading_is_written_down(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    let name = page(&stage, "qa").await.pods[0].name.clone();
    let tess = stage.as_person(&stage.people.tess);
    let log = pod::log(&tess, OF, "qa", of(&name)).await.expect("a log");
    assert_eq!((log.container.as_str(), log.trouble), (APP, None));
    assert!(log.text.lines().count() >= 1, "{log:?}", log = log.text);
    let one = LogAsk {
        lines: 1,
        ..of(&name)
    };
    let short = pod::log(&tess, OF, "qa", one).await.expect("a log");
    assert_eq!(short.text.lines().count(), 1);
    // There was no run before: Kubernetes says so, and the page passes it on.
    let before = LogAsk {
        previous: true,
        ..of(&name)
    };
    let before = pod::log(&tess, OF, "qa", before).await.expect("a page");
    assert!(before.trouble.is_some() && before.text.is_empty());
    assert_eq!(
        code(pod::log(&tess, OF, "qa", of("somebody-elses")).await),
        "not_found"
    );
    let other = LogAsk {
        container: String::from("other"),
        ..of(&name)
    };
    assert_eq!(code(pod::log(&tess, OF, "qa", other).await), "not_found");

    let mut lines = pod::follow(&tess, OF, "qa", of(&name)).await.expect("a stream");
    let piece = tokio::time::timeout(Duration::from_secs(20), lines.next())
        .await
        .expect("in time");
    let piece = piece.expect("a piece").expect("a text");
    assert!(piece.ends_with('\n'), "{piece:?}");
    drop(lines);

    let read = stage.audit("pod.read_log").await;
    assert_eq!(read.len(), 1, "once for a while: {read:?}");
    assert!(
        read.iter()
            .all(|(_, actor, outcome)| actor == "tess" && *outcome == Outcome::Done)
    );
    stage.clock.advance(11 * MINUTE);
    pod::log(&tess, OF, "qa", of(&name)).await.expect("a log");
    assert_eq!(stage.audit("pod.read_log").await.len(), 2);
    let stranger = stage.portal.ctx(
        slipway_portal::Actor::Anonymous,
        slipway_portal::Via::Web,
        "test",
        slipway_domain::text::Locale::En,
    );
    assert!(pod::log(&stranger, OF, "qa", of(&name)).await.is_err());
}

pub async fn scaling_is_drift_until_it_is_adopted_and_a_restart_is_none(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    let otto = stage.as_person(&stage.people.otto);
    let names = |page: &PodsPage| page.pods.iter().map(|pod| pod.name.clone()).collect::<Vec<_>>();
    let old = names(&page(&stage, "qa").await);
    pod::restart(&otto, OF, "qa").await.expect("restarted");
    until(&stage, "other pods", |page| {
        page.pods.len() == 2
            && page
                .pods
                .iter()
                .all(|pod| pod.ready && pod.newest && !old.contains(&pod.name))
    })
    .await;

    assert_eq!(pod::scale(&otto, OF, "qa", 3).await.expect("scaled"), 2);
    until(&stage, "three pods", |page| {
        page.desired == Some(3) && page.pods.iter().filter(|pod| pod.ready).count() == 3
    })
    .await;
    stage.clock.advance(MINUTE);
    let drifted = until(&stage, "the drift", |page| page.drift.is_some()).await;
    let brief = drifted.drift.expect("a drift");
    assert_eq!(
        (brief.fields, brief.by.as_slice()),
        (1, &[String::from("slipway-scale")][..])
    );
    let page = drift::page(&otto, ORG, PROJECT, APP, "qa")
        .await
        .expect("the page");
    let id = drift::settle(&otto, OF, "qa", Settlement::Adopt, &page.digest, "a sale")
        .await
        .expect("taken");
    stage.reaches(id, PromotionState::Succeeded).await;
    stage.clock.advance(MINUTE);
    until(&stage, "no drift", |page| page.drift.is_none()).await;

    // Nobody has to settle what was scaled here before the next release comes.
    assert_eq!(pod::scale(&otto, OF, "qa", 4).await.expect("scaled"), 3);
    release_in(&stage.portal, "1.1.0", 2, Workload::default(), "nobody").await;
    stage.deploy("1.1.0", "qa").await;
    assert_eq!(stage.workload("qa").await.expect("there").desired, 2);

    let actions: Vec<_> = stage
        .audit("workload.")
        .await
        .into_iter()
        .map(|row| (row.0, row.1))
        .collect();
    let done = |action: &str| (action.to_owned(), String::from("otto"));
    assert_eq!(
        actions,
        [
            done("workload.restart"),
            done("workload.scale"),
            done("workload.scale")
        ]
    );
}

pub async fn nobody_scales_without_the_right_or_while_something_is_deployed(stage: Stage) {
    let people = &stage.people;
    let otto = stage.as_person(&people.otto);
    assert_eq!(code(pod::scale(&otto, OF, "qa", 1).await), "nothing_runs");
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    for who in [&people.dev, &people.tess] {
        assert_eq!(
            code(pod::scale(&stage.as_person(who), OF, "qa", 1).await),
            "forbidden"
        );
        assert_eq!(
            code(pod::restart(&stage.as_person(who), OF, "qa").await),
            "forbidden"
        );
    }
    assert_eq!(code(pod::scale(&otto, OF, "qa", 9999).await), "invalid");
    stage.release("1.1.0", 2).await;
    stage.behave(2, "slow=5000");
    let id = stage.ask_skipping(&people.lea, "1.1.0", "qa").await;
    stage.reaches(id, PromotionState::Verifying).await;
    assert_eq!(code(pod::scale(&otto, OF, "qa", 1).await), "deploying");
    stage.reaches(id, PromotionState::Succeeded).await;

    // What the cluster did not do stands in the log as failed.
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), Fault::Status { code: 503 }, None)
        .expect("a fault");
    assert_eq!(code(pod::scale(&otto, OF, "qa", 1).await), "kubernetes");
    let outcomes: Vec<_> = stage
        .audit("workload.scale")
        .await
        .into_iter()
        .map(|row| row.2)
        .collect();
    assert_eq!(outcomes, [Outcome::Done, Outcome::Failed]);
    stage.kubernetes.faults().clear();
    let lane = app::overview(&otto, ORG, PROJECT, APP)
        .await
        .expect("the app")
        .lane;
    assert!(lane[1].current.is_some());
}
