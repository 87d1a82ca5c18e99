//! Files of work items, whose bytes lie in an object storage.

use crate::world::World;
use slipway_domain::id::AttachmentId;
use slipway_domain::time::SECOND;
use slipway_portal::jobs::Job;
use slipway_portal::{Error, OpCtx, Result, attachment, place, shelf};
use slipway_testkit::S3Fault;
use std::time::Duration;

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                let (store, _folder) = crate::world::sqlite().await;
                super::$test(crate::world::World::new(store).await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                if let Some(store) = crate::world::postgres().await {
                    super::$test(crate::world::World::new(store).await).await;
                }
            })+
        }
    };
}

on_both! {
    a_file_lies_in_the_bucket_and_goes_with_its_row,
    a_file_stays_where_it_is_when_the_configuration_changes,
    what_never_arrived_is_swept,
    an_upload_that_was_given_up_attaches_nothing,
    a_storage_that_fails_loses_nothing,
    a_deleted_project_takes_its_objects_along,
}

async fn add(ctx: &OpCtx, name: &str, content: &[u8]) -> Result<AttachmentId> {
    attachment::add(ctx, "acme", "checkout", 1, (name, content)).await
}

async fn read(ctx: &OpCtx, id: AttachmentId) -> Result<Vec<u8>> {
    attachment::open(ctx, "acme", "checkout", 1, id)
        .await?
        .whole()
        .await
}

async fn remove(ctx: &OpCtx, id: AttachmentId) -> Result<()> {
    attachment::remove(ctx, "acme", "checkout", 1, id).await
}

/// Puts the hourly sweep into the outbox, as a start does.
async fn begin(world: &World) {
    let ctx = world.portal.system("start");
    let mut change = ctx.change().await.unwrap();
    change.bookkeeping();
    change
        .enqueue(&Job::SweepShelf, ctx.now(), Some(shelf::JOB))
        .await
        .unwrap();
    change.commit().await.unwrap();
}

async fn a_file_lies_in_the_bucket_and_goes_with_its_row(world: World) {
    let ctx = world.ctx();
    let content: Vec<u8> = (0..=255).cycle().take(1_500_000).collect();
    let id = add(&ctx, "../b.bin", &content).await.unwrap();
    let keys = world.server.keys();
    assert_eq!(keys.len(), 1);
    assert!(
        keys[0].starts_with("slipway/") && keys[0].ends_with(&id.to_string()),
        "no name of a person's choice is a key: {keys:?}"
    );
    assert!(read(&ctx, id).await.unwrap() == content);
    remove(&ctx, id).await.unwrap();
    assert_eq!(world.server.keys().len(), 1, "the row goes first");
    assert!(matches!(read(&ctx, id).await, Err(Error::NotFound)));
    world.work().await;
    assert!(world.server.keys().is_empty());
}

async fn a_file_stays_where_it_is_when_the_configuration_changes(mut world: World) {
    world.restart(false, false);
    let old = add(&world.ctx(), "old.txt", b"in the database").await.unwrap();
    world.restart(true, true);
    let new = add(&world.ctx(), "new.txt", b"in the bucket").await.unwrap();
    assert_eq!(world.server.keys().len(), 1);
    for (id, content) in [(old, "in the database"), (new, "in the bucket")] {
        assert_eq!(read(&world.ctx(), id).await.unwrap(), content.as_bytes());
    }
    world.restart(false, true);
    let again = add(&world.ctx(), "again.txt", b"in the database again")
        .await
        .unwrap();
    assert_eq!(world.server.keys().len(), 1);
    assert_eq!(read(&world.ctx(), new).await.unwrap(), b"in the bucket");
    assert_eq!(read(&world.ctx(), again).await.unwrap(), b"in the database again");
    world.restart(false, false);
    let Err(Error::Unavailable { text, .. }) = read(&world.ctx(), new).await else {
        panic!("no bucket is named");
    };
    assert!(text.en.contains("[attachments]"), "{}", text.en);
    remove(&world.ctx(), new).await.unwrap();
    world.work().await;
    assert_eq!(
        world.server.keys().len(),
        1,
        "nobody can take it away without the bucket"
    );
    world.restart(true, true);
    world.clock.advance(3601 * SECOND);
    world.work().await;
    assert!(world.server.keys().is_empty(), "it is taken away later");
}

async fn what_never_arrived_is_swept(world: World) {
    begin(&world).await;
    world.work().await;
    let ctx = world.ctx();
    // The process dies after the storage took the object, and before the file is attached.
    world.server.fails("PUT", S3Fault::Silent);
    {
        let upload = add(&ctx, "a.txt", b"words");
        let died = tokio::time::timeout(Duration::from_millis(350), upload).await;
        assert!(died.is_err(), "it was under way");
    }
    world.server.recovers();
    assert_eq!(world.server.keys().len(), 1);
    let kept = add(&ctx, "b.txt", b"other words").await.unwrap();
    world.clock.advance(1800 * SECOND);
    world.work().await;
    assert_eq!(
        world.server.keys().len(),
        2,
        "what may still be on its way is left alone"
    );
    world.clock.advance(3600 * SECOND);
    world.work().await;
    let keys = world.server.keys();
    assert!(
        keys.len() == 1 && keys[0].ends_with(&kept.to_string()),
        "{keys:?}"
    );
    assert_eq!(read(&ctx, kept).await.unwrap(), b"other words");
}

async fn an_upload_that_was_given_up_attaches_nothing(world: World) {
    let ctx = world.ctx();
    let mut change = ctx.change().await.unwrap();
    change.bookkeeping();
    change.tx().object_arrives("a/b", ctx.now()).await.unwrap();
    change.commit().await.unwrap();
    world.clock.advance(3601 * SECOND);
    begin(&world).await;
    world.work().await;
    let mut change = ctx.change().await.unwrap();
    change.bookkeeping();
    let late = change.tx().object_arrived("a/b").await;
    assert!(matches!(late, Err(slipway_portal::ports::StoreError::Gone)));
}

async fn a_storage_that_fails_loses_nothing(world: World) {
    let ctx = world.ctx();
    let content = vec![b'a'; 100_000];
    let id = add(&ctx, "a.txt", &content).await.unwrap();
    for fault in [S3Fault::Denied, S3Fault::Broken, S3Fault::Silent] {
        world.server.fails("", fault);
        let refused = add(&ctx, "b.txt", b"words").await.unwrap_err();
        let Error::Unavailable { code, text } = refused else {
            panic!("{fault:?}: {refused:?}");
        };
        assert!(code == "attachments" && text.en.contains("check-config"));
        assert!(matches!(read(&ctx, id).await, Err(Error::Unavailable { .. })));
    }
    for fault in [S3Fault::Half, S3Fault::Cut] {
        world.server.fails("GET", fault);
        assert!(read(&ctx, id).await.is_err(), "{fault:?}: a half is no file");
    }
    remove(&ctx, id).await.unwrap();
    world.server.fails("DELETE", S3Fault::Broken);
    world.work().await;
    world.server.recovers();
    assert!(!world.server.keys().is_empty(), "it could not be taken away yet");
    let view = slipway_portal::item::view(&ctx, "acme", "checkout", 1)
        .await
        .unwrap();
    assert!(view.attachments.is_empty(), "nothing half is attached");
    for _ in 0..3 {
        world.clock.advance(3601 * SECOND);
        world.work().await;
    }
    assert!(world.server.keys().is_empty(), "{:?}", world.server.keys());
    let lost = add(&ctx, "c.txt", b"words").await.unwrap();
    for key in world.server.keys() {
        world.server.loses(&key);
    }
    let Err(Error::Unavailable { text, .. }) = read(&ctx, lost).await else {
        panic!("it was lost");
    };
    assert!(text.en.contains("backup"), "{}", text.en);
    remove(&ctx, lost).await.unwrap();
    world.work().await;
}

async fn a_deleted_project_takes_its_objects_along(world: World) {
    let ctx = world.ctx();
    for name in ["a.txt", "b.txt"] {
        add(&ctx, name, b"words").await.unwrap();
    }
    assert_eq!(world.server.keys().len(), 2);
    place::delete(&ctx, "acme", Some("checkout"), None, "Checkout")
        .await
        .unwrap();
    world.work().await;
    assert!(world.server.keys().is_empty());
}
