//! What the lane and the grid tell of what is on its way.

#![expect(clippy::missing_panics_doc, reason = "a test panics")]

use super::World;
use super::promotion::{insert, place, promotion};
use slipway_domain::app::LaneStop;
use slipway_domain::person::PersonRef;
use slipway_portal::access;

/// What waits says for whom, and since when, in the lane and in the grid; nobody is named whose turn is over.
pub async fn what_waits_says_for_whom(world: World) {
    let place = place(&world).await;
    let see = place.app.see();
    let project = access::project_of(&see);
    let record = promotion(&place, place.dev, &place.release);
    insert(&world, &place, &record).await;
    for turns in [vec![place.lea.clone()], Vec::new()] {
        let ids: Vec<_> = turns.iter().map(|person| person.id).collect();
        let mut tx = world.portal.store.write().await.unwrap();
        tx.set_turns(record.id, &ids).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = place.system.read().await.unwrap();
        let lane = tx.app_lane(&see).await.unwrap();
        let told = |stop: &LaneStop| -> Option<Vec<PersonRef>> {
            stop.open.as_ref().map(|open| open.waits_for.clone())
        };
        assert_eq!(told(&lane[0]), Some(turns));
        let since = lane[0].open.as_ref().and_then(|open| open.since);
        assert_eq!(since, Some(record.requested_at));
        let grid = tx.project_grid(&project).await.unwrap();
        assert_eq!(grid[0].stops, lane);
        assert!(grid[1].stops.iter().all(|stop| stop.open.is_none()));
    }
}
