//! What a look at a stop found.

use super::World;
use super::promotion::running_app;
use serde_json::json;
use slipway_domain::drift::{Author, Drift, FieldChange, FieldPath, Step};
use slipway_domain::text::Text;
use slipway_portal::access::{self, may};
use slipway_portal::ports::{NowRunning, StoreError};

/// A look is kept beside what runs there and shown by the lane, belongs to that deployment alone, and is over with the next.
pub async fn a_drift_is_of_what_runs_there(world: World) {
    running_app(&world).await;
    let system = world.system();
    let app = access::app_by_id::<may::Rollback>(&system, {
        let app = access::app::<may::See>(&system, "acme", "checkout", "order-api")
            .await
            .unwrap();
        app.id()
    })
    .await
    .unwrap();
    let (see, modify) = (app.see(), app.modify());
    let chain = system
        .read()
        .await
        .unwrap()
        .environments(&access::project_of(&see))
        .await
        .unwrap();
    let dev = chain[0].environment.id;
    let mut tx = world.portal.store.write().await.unwrap();
    assert_eq!(tx.drift(&see, dev).await.unwrap(), None);
    let (deployment, release) = tx.stop(&see, dev).await.unwrap().current.unwrap();
    let change = FieldChange {
        kind: String::from("Deployment"),
        name: String::from("order-api"),
        path: FieldPath(vec![
            Step::Field(String::from("spec")),
            Step::Field(String::from("replicas")),
        ]),
        applied: Some(json!(2)),
        live: Some(json!(5)),
        by: Some(Author {
            manager: String::from("kubectl"),
            subresource: String::from("scale"),
            at: Some(system.now()),
        }),
    };
    let drift = Drift {
        deployment,
        looked_at: system.now(),
        since: Some(system.now()),
        changes: vec![change],
        trouble: Some(Text::new("no", "否")),
        listed_at: None,
    };
    tx.set_drift(&modify, dev, &drift).await.unwrap();
    assert_eq!(tx.drift(&see, dev).await.unwrap(), Some(drift.clone()));
    let lane = tx.app_lane(&see).await.unwrap();
    assert_eq!(lane[0].drift, drift.brief());
    assert!(lane[0].drift.is_some() && lane[1].drift.is_none());

    let other = Drift {
        deployment: system.id(),
        ..drift
    };
    assert!(matches!(
        tx.set_drift(&modify, dev, &other).await,
        Err(StoreError::Gone)
    ));
    assert!(matches!(
        tx.set_drift(&modify, chain[1].environment.id, &other).await,
        Err(StoreError::Gone)
    ));
    let running = NowRunning {
        deployment,
        release,
        at: system.now(),
        by: None,
    };
    tx.set_running(&modify, dev, &running).await.unwrap();
    assert_eq!(tx.drift(&see, dev).await.unwrap(), None);
    tx.commit().await.unwrap();
}
