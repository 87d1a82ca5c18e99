//! Imports at the HTTP edge: pages, plain forms, and REST.

use crate::scene::{PROJECT_PAGE, Scene};
use slipway_domain::id::ImportId;
use slipway_domain::import::{ImportState, ItemState};
use slipway_portal::access::{self, may};
use slipway_portal::ports::{ImportItemRecord, ImportRecord};
use std::fmt::Write as _;

/// A draft of `devon`'s with so many repositories, 1, 2, and so on.
async fn draft(scene: &Scene, size: i64) -> ImportId {
    let ctx = scene.ctx("devon");
    let project = access::project::<may::AppCreate>(&ctx, "acme", "checkout")
        .await
        .unwrap();
    let import = ImportRecord {
        id: ctx.id(),
        connection: ctx.id(),
        group: 7,
        group_path: String::from("acme/shop"),
        state: ImportState::Draft,
        by: ctx.user().unwrap().clone(),
        reason: None,
        trouble: None,
        retry_at: None,
        exhausted: 0,
        created_at: ctx.now(),
        started_at: None,
        ended_at: None,
    };
    let mut tx = scene.portal.store.write().await.unwrap();
    tx.insert_import(&project.modify(), &import).await.unwrap();
    for repository in 1..=size {
        let item = ImportItemRecord {
            repository,
            path: format!("acme/shop/r{repository:03}"),
            archived: false,
            slug: format!("r{repository:03}"),
            name: format!("服务 {repository}"),
            state: ItemState::Waiting,
            app: None,
            reason: None,
            tries: 0,
            ended_at: None,
        };
        tx.put_import_item(&project.modify(), import.id, &item)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    import.id
}

#[tokio::test]
async fn the_way_to_an_import_stands_where_it_may_be_gone() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let (devon, dora) = (scene.session("devon").await, scene.session("dora").await);
    let link = format!("href=\"{PROJECT_PAGE}/import\"");
    assert!(scene.page(PROJECT_PAGE, Some(&devon)).await.body.contains(&link));
    assert!(!scene.page(PROJECT_PAGE, Some(&dora)).await.body.contains(&link));
    let page = format!("{PROJECT_PAGE}/import");
    let shown = scene.page(&page, Some(&devon)).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("No connection to GitLab"), "{}", shown.body);
    assert_eq!(scene.page(&page, Some(&dora)).await.status, 403);
    let olga = scene.session("olga").await;
    assert_eq!(scene.page(&page, Some(&olga)).await.status, 404);
    let wrong = format!("{page}?connection=x&group=y");
    assert_eq!(scene.page(&wrong, Some(&devon)).await.status, 404);
}

#[tokio::test]
async fn what_was_typed_is_there_again_without_javascript_and_a_start_leads_to_the_progress() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let id = draft(&scene, 130).await;
    let devon = scene.session("devon").await;
    let page = format!("{PROJECT_PAGE}/imports/{id}");
    let shown = scene.page(&page, Some(&devon)).await;
    assert!(
        shown.body.contains("name=\"slugs[r1]\"") && shown.body.contains("服务 100"),
        "a page of 100"
    );
    assert!(!shown.body.contains("name=\"slugs[r101]\""));
    // A hundred pairs of fields, as a browser posts them; one slug is wrong, one is an app's.
    let mut form = format!("org=acme&project=checkout&id={id}&page=1&then=start");
    for n in 1..=100 {
        let slug = match n {
            99 => String::from("Not+A+Slug"),
            100 => String::from("order-api"),
            n => format!("s{n:03}"),
        };
        let _ = write!(form, "&slugs%5Br{n}%5D={slug}&names%5Br{n}%5D=Name+{n}");
    }
    let posted = scene
        .post_form(
            "/api/fn/import/review",
            &form,
            &format!("{PROJECT_PAGE}/imports/{id}"),
            Some(&devon),
        )
        .await;
    assert_eq!(
        (posted.status.as_u16(), posted.header("location")),
        (303, page.as_str())
    );
    let shown = scene.page(&page, Some(&devon)).await;
    for words in [
        "Not A Slug",
        "use only a-z, 0-9 and -",
        "an app of the project has it; “order-api-2” is free",
        "Name 98",
        "href=\"#import-review-slugs[r99]\"",
    ] {
        assert!(shown.body.contains(words), "{words} is not there: {}", shown.body);
    }
    let right = format!(
        "org=acme&project=checkout&id={id}&page=1&then=start&slugs%5Br99%5D=s099&slugs%5Br100%5D=s100"
    );
    let posted = scene
        .post_form("/api/fn/import/review", &right, &page, Some(&devon))
        .await;
    assert_eq!(
        (posted.status.as_u16(), posted.header("location")),
        (303, page.as_str())
    );
    let shown = scene.page(&page, Some(&devon)).await;
    assert!(shown.body.contains("0 of 130 done") && shown.body.contains("http-equiv=\"refresh\""));

    // The same by REST; strangers find nothing, and a token that only reads changes nothing.
    let at = format!("/api/v1{page}");
    let read = scene.get(&at, Some(&devon)).await.json();
    assert_eq!((&read["state"], &read["total"]), (&"running".into(), &130.into()));
    assert_eq!(read["repositories"][98]["slug"], "s099");
    let listed = scene
        .get(&format!("/api/v1{PROJECT_PAGE}/imports"), Some(&devon))
        .await
        .json();
    assert_eq!(listed[0]["id"], id.to_string());
    let olga = scene.session("olga").await;
    assert_eq!(scene.get(&at, Some(&olga)).await.status, 404);
    let stopped = scene.call("POST", &format!("{at}/stop"), "", Some(&devon)).await;
    assert_eq!(stopped.status, 204);
    let again = scene.call("POST", &format!("{at}/stop"), "", Some(&devon)).await;
    assert_eq!(
        (again.status.as_u16(), again.json()["code"].clone()),
        (409, "not_running".into())
    );
    let retried = scene.call("POST", &format!("{at}/retry"), "", Some(&devon)).await;
    assert_eq!(retried.status, 204);
}
