//! The live stream: who hears what, and when it ends.

use crate::scene::{Scene, get};
use axum::body::Body;
use futures::StreamExt as _;
use http::StatusCode;
use slipway_domain::id::{OrgId, ProjectId, UserId};
use slipway_portal::access::{self, may};
use slipway_portal::live::Invalidation;
use std::time::Duration;
use tower::ServiceExt as _;

/// An open stream.
pub struct Stream(axum::body::BodyDataStream);

impl Stream {
    pub async fn open(scene: &Scene, cookie: &str) -> Result<Self, StatusCode> {
        Self::open_at(scene, cookie, "/live").await
    }

    async fn open_at(scene: &Scene, cookie: &str, path: &str) -> Result<Self, StatusCode> {
        let request = get(path, Some(cookie)).body(Body::empty()).unwrap();
        let response = scene.router.clone().oneshot(request).await.unwrap();
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self(response.into_body().into_data_stream());
        assert!(stream.next().await.unwrap().contains("listening"));
        Ok(stream)
    }

    /// The next piece; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<String> {
        let piece = tokio::time::timeout(Duration::from_secs(20), self.0.next())
            .await
            .expect("nothing came");
        piece.map(|bytes| String::from_utf8(bytes.unwrap().to_vec()).unwrap())
    }
}

fn told(id: &str, org: OrgId, project: Option<ProjectId>, user: Option<UserId>) -> Invalidation {
    Invalidation {
        topic: String::from("test"),
        id: id.to_owned(),
        version: 7,
        org: Some(org),
        project,
        app: None,
        user,
    }
}

async fn checkout(scene: &Scene) -> (OrgId, ProjectId) {
    let project = access::project::<may::See>(&scene.ctx("ada"), "acme", "checkout")
        .await
        .unwrap();
    (project.org_id(), project.id())
}

#[tokio::test]
async fn everybody_hears_only_of_what_they_may_see_and_only_that_it_changed() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let (org, project) = checkout(&scene).await;
    let mut vic = Stream::open(&scene, &scene.session("vic").await).await.unwrap();
    let mut olga = Stream::open(&scene, &scene.session("olga").await).await.unwrap();
    let vic_id = scene.people["vic"].id;
    let other = access::org::<may::See>(&scene.ctx("olga"), "other")
        .await
        .unwrap()
        .id();

    let tell = |invalidation| scene.portal.notifier.publish(invalidation);
    tell(told("project", org, Some(project), None));
    tell(told("of-olga", org, None, Some(scene.people["olga"].id)));
    tell(told("other-org", other, None, None));
    tell(told("of-vic", org, None, Some(vic_id)));

    assert_eq!(
        vic.next().await.unwrap(),
        "data: {\"topic\":\"test\",\"id\":\"project\",\"version\":7}\n\n"
    );
    assert!(
        vic.next().await.unwrap().contains("of-vic"),
        "neither olga's nor the other organization's"
    );
    assert!(olga.next().await.unwrap().contains("of-olga"));
    assert!(olga.next().await.unwrap().contains("other-org"));
}

#[tokio::test]
async fn what_is_of_the_whole_server_is_heard_by_its_operators_alone() {
    let mut scene = Scene::new().await;
    scene.furnish().await;
    scene.operator("opal").await;
    let (org, project) = checkout(&scene).await;
    let mut opal = Stream::open(&scene, &scene.session("opal").await).await.unwrap();
    let mut ada = Stream::open(&scene, &scene.session("ada").await).await.unwrap();
    scene.portal.notifier.publish(Invalidation {
        org: None,
        ..told("of-the-server", org, None, None)
    });
    scene
        .portal
        .notifier
        .publish(told("project", org, Some(project), None));
    assert!(opal.next().await.unwrap().contains("of-the-server"));
    assert!(
        ada.next().await.unwrap().contains("\"project\""),
        "an owner of an organization is no operator"
    );
}

#[tokio::test]
async fn a_stream_begins_with_what_changed_since_its_page_was_made() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let (org, project) = checkout(&scene).await;
    // Later than all that furnished the scene.
    let made = scene.ctx("ada").now().micros() + 1_000_000_000;
    for (id, version) in [("before", made - 1_000_000), ("after", made + 1)] {
        scene.portal.notifier.publish(Invalidation {
            version,
            ..told(id, org, Some(project), None)
        });
    }
    scene.portal.notifier.publish(Invalidation {
        version: made + 2,
        ..told("of-olga", org, None, Some(scene.people["olga"].id))
    });
    let cookie = scene.session("vic").await;
    let mut vic = Stream::open_at(&scene, &cookie, &format!("/live?since={made}"))
        .await
        .unwrap();
    scene
        .portal
        .notifier
        .publish(told("now", org, Some(project), None));
    assert!(vic.next().await.unwrap().contains("\"after\""));
    assert!(
        vic.next().await.unwrap().contains("\"now\""),
        "neither what was read already nor what is olga's"
    );
}

#[tokio::test]
async fn the_stream_ends_after_signing_out_and_when_the_server_stops() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let (org, _) = checkout(&scene).await;
    let cookie = scene.session("vic").await;
    let mut stream = Stream::open(&scene, &cookie).await.unwrap();
    let mut other = Stream::open(&scene, &scene.session("dora").await).await.unwrap();
    scene.post("/sign-out", "", Some(&cookie)).await;
    // Events keep coming; within the time that rights may be old, the stream must end.
    let ended = async {
        loop {
            scene.portal.notifier.publish(told("x", org, None, None));
            if stream.next().await.is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), ended)
        .await
        .expect("it did not end");
    scene.stop.send(true).unwrap();
    let ended = async { while other.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .expect("it did not end");
}

#[tokio::test]
async fn one_person_cannot_hold_endlessly_many_streams() {
    let scene = Scene::new().await;
    let cookie = scene.session("vic").await;
    let mut open = Vec::new();
    let refused = loop {
        match Stream::open(&scene, &cookie).await {
            Ok(stream) => open.push(stream),
            Err(status) => break status,
        }
        assert!(open.len() <= 64);
    };
    assert_eq!(refused, 429);
    assert!(
        Stream::open(&scene, &scene.session("dora").await).await.is_ok(),
        "others are not concerned"
    );
    drop(open);
    assert!(
        Stream::open(&scene, &cookie).await.is_ok(),
        "a closed stream makes room"
    );
}
