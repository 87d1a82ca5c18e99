//! Logs as files.

use crate::scene::{Scene, get};
use axum::body::Body;
use futures::StreamExt as _;
use http::header;
use slipway_portal::access::{self, may};
use tower::ServiceExt as _;

#[tokio::test]
async fn a_log_is_streamed_and_one_that_breaks_off_is_seen_to() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let cookie = scene.session("vic").await;
    let app = access::app_by_id::<may::AppManage>(&scene.portal.system("test"), places.app)
        .await
        .unwrap();
    let log = b"\x1b[31mred\x1b[0m \xff\xfe bytes\n".repeat(50_000);
    let mut tx = scene.portal.store.write().await.unwrap();
    tx.append_log(&app.modify(), places.job, 0, &log).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!(
        "/api/v1/orgs/acme/projects/checkout/apps/order-api/runs/1/jobs/{}/log",
        places.job
    );
    let ask = || async {
        let request = get(&path, Some(&cookie)).body(Body::empty()).unwrap();
        scene.router.clone().oneshot(request).await.unwrap()
    };

    let answer = ask().await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()[header::CONTENT_LENGTH],
        log.len().to_string().as_str()
    );
    assert!(
        answer.headers()[header::CONTENT_DISPOSITION]
            .to_str()
            .unwrap()
            .contains("order-api-1-test.log")
    );
    let (mut got, mut pieces, mut body) = (Vec::new(), 0, answer.into_body().into_data_stream());
    while let Some(piece) = body.next().await {
        got.extend_from_slice(&piece.unwrap());
        pieces += 1;
    }
    assert!(got == log && pieces > 3, "as it was written, in {pieces} pieces");

    // The job is run again while somebody saves its log: that file must not look whole.
    let mut body = ask().await.into_body().into_data_stream();
    assert!(body.next().await.unwrap().is_ok());
    let mut tx = scene.portal.store.write().await.unwrap();
    tx.clear_log(&app.modify(), places.job).await.unwrap();
    tx.commit().await.unwrap();
    let mut broken = false;
    while let Some(piece) = body.next().await {
        broken |= piece.is_err();
    }
    assert!(broken);
}
