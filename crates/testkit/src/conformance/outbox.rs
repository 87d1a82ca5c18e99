//! The outbox.

use super::World;
use slipway_domain::id::OutboxId;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use slipway_portal::ports::{Claimed, StoreError};

async fn enqueue(world: &World, at: Timestamp, key: Option<&str>) -> OutboxId {
    let ctx = world.system();
    let id = ctx.id();
    let mut tx = world.portal.store.write().await.unwrap();
    tx.enqueue_job(id, "test", "{}", at, key, ctx.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn claim(world: &World, owner: &str, now: Timestamp) -> Vec<Claimed> {
    let mut tx = world.portal.store.write().await.unwrap();
    let claimed = tx.claim_jobs(owner, now, now.plus(MINUTE), 10).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

/// However many workers ask at once, each job has one.
pub async fn a_job_is_claimed_by_one_worker(world: World) {
    let now = world.system().now();
    for _ in 0..20 {
        enqueue(&world, now, None).await;
    }
    enqueue(&world, now.plus(SECOND), None).await;
    let claims = futures::future::join_all((0..4).map(|n| {
        let world = world.clone();
        async move { claim(&world, &format!("worker-{n}"), now).await }
    }))
    .await;
    let mut ids: Vec<_> = claims.iter().flatten().map(|c| c.id).collect();
    let taken = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), taken, "no job is claimed twice");
    let rest = claim(&world, "rest", now).await.len();
    assert_eq!(taken + rest, 20, "and none that is not due");
    let mut tx = world.system().read().await.unwrap();
    assert_eq!(tx.next_job_at().await.unwrap(), Some(now.plus(SECOND)));
    assert_eq!(tx.backlog().await.unwrap().0, 21);
}

/// Of waiting jobs with one key there is one, at the earliest time; a running one does not count.
pub async fn a_key_keeps_one_waiting_job(world: World) {
    let now = world.system().now();
    let first = enqueue(&world, now.plus(MINUTE), Some("run-1")).await;
    enqueue(&world, now, Some("run-1")).await;
    enqueue(&world, now.plus(MINUTE), Some("run-1")).await;
    let running = claim(&world, "a", now).await;
    assert_eq!(
        running.iter().map(|c| c.id).collect::<Vec<_>>(),
        [first],
        "the first row, at the earliest time"
    );
    enqueue(&world, now, Some("run-1")).await;
    let mut tx = world.portal.store.write().await.unwrap();
    tx.retry_job("a", &running[0], now, Some("it failed"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        claim(&world, "a", now).await.len(),
        1,
        "the retried job made way for the waiting one"
    );
}

/// A worker whose lease ended can neither finish the job nor give it back.
pub async fn an_ended_lease_fences_the_slow_worker(world: World) {
    let now = world.system().now();
    enqueue(&world, now, None).await;
    let slow = claim(&world, "same-owner", now).await.remove(0);
    assert!(
        claim(&world, "same-owner", now.plus(SECOND)).await.is_empty(),
        "the lease holds"
    );
    let fast = claim(&world, "same-owner", now.plus(2 * MINUTE)).await.remove(0);
    assert_eq!((slow.id, slow.attempt, fast.attempt), (fast.id, 1, 2));
    let mut tx = world.portal.store.write().await.unwrap();
    assert!(matches!(
        tx.finish_job("same-owner", &slow).await,
        Err(StoreError::Gone)
    ));
    drop(tx);
    let mut tx = world.portal.store.write().await.unwrap();
    tx.finish_job("same-owner", &fast).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        world.system().read().await.unwrap().next_job_at().await.unwrap(),
        None
    );
}
