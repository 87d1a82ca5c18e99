//! A GitLab that asks to wait, says nothing, or no longer knows the token.

use crate::world::{ORG, PROJECT, World, form};
use slipway_domain::run::{RunList, RunStatus};
use slipway_portal::{Error, proposal, run};
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::time::{Duration, Instant};

async fn runs(world: &World) -> RunList {
    run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
        .await
        .unwrap()
}

async fn until_trouble(world: &World) -> RunList {
    world
        .until("the trouble", || async {
            Some(runs(world).await).filter(|list| list.trouble.is_some())
        })
        .await
}

async fn until_it_heals(world: &World) {
    world
        .until("the trouble to go", || async {
            runs(world).await.trouble.is_none().then_some(())
        })
        .await;
}

async fn push(world: &World, action: &str, words: &str) {
    let yaml = format!("test:\n  script: [\"echo {words}\"]\n");
    world
        .commit(world.sample("storefront"), action, ".gitlab-ci.yml", &yaml)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_told_and_kept_to() {
    let world = World::new().await;
    world.connected("storefront").await;
    world
        .until("a first look", || async { runs(&world).await.as_of })
        .await;
    let faults = world.gitlab.faults();
    faults
        .add(
            FaultMatch::default(),
            Fault::RateLimited { retry_after: 120 },
            None,
        )
        .unwrap();
    let asked = || faults.list()[0].hits;
    let told = until_trouble(&world).await;
    assert!(told.as_of.is_some(), "the last known state has its time");
    let told = told.trouble.unwrap();
    assert!(told.en.contains("asks to wait 120 seconds"), "{told:?}");
    assert!(told.zh.contains("等待 120 秒"), "{told:?}");
    let before = asked();
    // A turn is three seconds: GitLab is left alone for all of the two minutes that it asked for.
    for _ in 0..35 {
        world.turn().await;
    }
    assert_eq!(asked(), before);
    world
        .until("the next question", || async { (asked() > before).then_some(()) })
        .await;
    faults.clear();
    until_it_heals(&world).await;
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gitlab_that_says_nothing_is_given_up_while_somebody_waits() {
    let world = World::new().await;
    world.connected("storefront").await;
    let faults = world.gitlab.faults();
    faults
        .add(FaultMatch::default(), Fault::Latency { ms: 60_000 }, None)
        .unwrap();
    let begun = Instant::now();
    let list = runs(&world).await;
    assert!(
        list.connected && begun.elapsed() < Duration::from_secs(9),
        "a list asks nobody"
    );
    let ctx = world.ctx();
    let input = form("static-site", &[]);
    let (gallery, refused) = tokio::join!(
        proposal::gallery(&ctx, ORG, PROJECT, "storefront"),
        proposal::propose(&ctx, ORG, PROJECT, "storefront", &input),
    );
    assert!(begun.elapsed() < Duration::from_secs(50), "{:?}", begun.elapsed());
    let gallery = gallery.unwrap();
    let told = gallery.trouble.expect("the trouble");
    assert!(
        told.en.contains("does not answer") && told.zh.contains("无响应"),
        "{told:?}"
    );
    assert!(!gallery.templates.is_empty(), "what needs no GitLab is there");
    assert!(
        matches!(refused, Err(Error::Unavailable { code: "gitlab", .. })),
        "{refused:?}"
    );
    faults.clear();
    // What was typed was kept, and goes through now.
    let gallery = proposal::gallery(&world.ctx(), ORG, PROJECT, "storefront")
        .await
        .unwrap();
    assert_eq!(gallery.draft.expect("the draft").template, "static-site");
    proposal::propose(&world.ctx(), ORG, PROJECT, "storefront", &input)
        .await
        .unwrap();
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_stopped_working_is_told_and_what_happened_meanwhile_is_not_lost() {
    let world = World::new().await;
    world.connected("storefront").await;
    push(&world, "create", "one").await;
    world
        .until("a green run", || async {
            let list = runs(&world).await;
            list.runs
                .iter()
                .any(|run| run.status == RunStatus::Success)
                .then_some(())
        })
        .await;
    let faults = world.gitlab.faults();
    // GitLab refuses Slipway's token; the developer's own pushes go on.
    let of_slipway = |method: &str| FaultMatch {
        method: Some(method.to_owned()),
        path_regex: None,
    };
    faults
        .add(of_slipway("GET"), Fault::Status { code: 401 }, None)
        .unwrap();
    let told = until_trouble(&world).await;
    assert_eq!(told.runs.len(), 1, "the last known state stays");
    let told = told.trouble.unwrap();
    assert!(told.en.contains("refuses the connection's token") && told.en.contains("settings"));
    assert!(told.zh.contains("令牌") && told.zh.contains("设置"));
    push(&world, "update", "two").await;
    world.turn().await;
    assert_eq!(runs(&world).await.runs.len(), 1);
    faults.clear();
    until_it_heals(&world).await;
    world
        .until("the run of the push in between", || async {
            let list = runs(&world).await;
            (list.runs.len() == 2 && list.runs.iter().all(|run| run.status == RunStatus::Success))
                .then_some(())
        })
        .await;
    world.gitlab.shutdown().await;
}
