//! What watches of clusters ask and note.

#![expect(clippy::missing_panics_doc, reason = "a test panics")]

use super::World;
use super::promotion::running_app;
use slipway_domain::app::Observed;
use slipway_domain::environment::Health;
use slipway_domain::time::MINUTE;
use slipway_portal::access::{self, may};
use slipway_portal::ports::SoakRecord;

/// A cluster is in use where something runs; its stops are found; what nobody touched is as it was, and its health counts.
pub async fn what_nobody_touched_is_as_it_was_seen(world: World) {
    running_app(&world).await;
    let system = world.system();
    let see = access::app::<may::See>(&system, "acme", "checkout", "order-api")
        .await
        .unwrap();
    let modify = access::app_by_id::<may::Rollback>(&system, see.id())
        .await
        .unwrap()
        .modify();
    let mut tx = world.portal.store.write().await.unwrap();
    let chain = tx.environments(&access::project_of(&see)).await.unwrap();
    let dev = chain[0].environment.id;
    let binding = chain[0].binding.clone().unwrap();
    let in_use = tx.clusters_in_use().await.unwrap();
    assert_eq!(in_use, [(see.org_id(), binding.cluster)]);
    let stops = tx.stops_of_cluster(binding.cluster).await.unwrap();
    assert_eq!(stops.len(), 1);
    assert_eq!(
        (stops[0].app, stops[0].environment, stops[0].namespace.as_str()),
        (see.id(), dev, binding.namespace.as_str())
    );
    assert!(tx.stops_of_cluster(system.id()).await.unwrap().is_empty());
    let (deployment, release) = tx.stop(&see, dev).await.unwrap().current.unwrap();
    let promotion = tx.deployment(&see, deployment).await.unwrap().unwrap().promotion;
    let place = tx.place_of_promotion(promotion).await.unwrap();
    assert_eq!(
        place.map(|(app, environment, _)| (app, environment)),
        Some((see.id(), dev))
    );
    assert!(tx.place_of_promotion(system.id()).await.unwrap().is_none());

    let now = system.now();
    let look = |health| Observed {
        health,
        reason: None,
        ready: 2,
        desired: 2,
        at: now,
    };
    let soak = |healthy_for, at| SoakRecord {
        healthy_for,
        seen_at: Some(at),
    };
    tx.set_observed(&modify, dev, &look(Health::Healthy))
        .await
        .unwrap();
    tx.set_soak(&modify, dev, release, soak(0, now)).await.unwrap();
    let later = now.plus(MINUTE);
    tx.as_seen_before(system.id(), later, 3 * MINUTE).await.unwrap();
    assert_eq!(
        tx.soak(&see, dev, release).await.unwrap(),
        soak(0, now),
        "another cluster"
    );
    tx.as_seen_before(binding.cluster, later, 3 * MINUTE)
        .await
        .unwrap();
    assert_eq!(tx.soak(&see, dev, release).await.unwrap(), soak(MINUTE, later));
    let observed = tx.stop(&see, dev).await.unwrap().observed.unwrap();
    assert_eq!(
        observed,
        Observed {
            at: later,
            ..look(Health::Healthy)
        }
    );
    // Time in which nobody looked does not count, nor does what was not healthy.
    let much_later = later.plus(10 * MINUTE);
    tx.as_seen_before(binding.cluster, much_later, 3 * MINUTE)
        .await
        .unwrap();
    assert_eq!(tx.soak(&see, dev, release).await.unwrap(), soak(MINUTE, later));
    tx.set_observed(&modify, dev, &look(Health::Degraded))
        .await
        .unwrap();
    tx.as_seen_before(binding.cluster, later.plus(MINUTE), 3 * MINUTE)
        .await
        .unwrap();
    assert_eq!(tx.soak(&see, dev, release).await.unwrap(), soak(MINUTE, later));
    // It does not go back.
    tx.as_seen_before(binding.cluster, now, 3 * MINUTE).await.unwrap();
    let observed = tx.stop(&see, dev).await.unwrap().observed.unwrap();
    assert_eq!(observed.at, later.plus(MINUTE));
}
