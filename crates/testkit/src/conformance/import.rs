//! Imports: a repository is settled once, and only while its import runs.

use super::World;
use slipway_domain::id::{AppId, ConnectionId};
use slipway_domain::import::{ImportState, ItemState};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;
use slipway_domain::time::DAY;
use slipway_portal::access::{self, Authorized, Project, may};
use slipway_portal::ports::{ImportItemRecord, ImportRecord, StoreError, Tx};
use slipway_portal::{OpCtx, app, place, project};

fn record(ctx: &OpCtx, by: &PersonRef) -> ImportRecord {
    ImportRecord {
        id: ctx.id(),
        connection: ctx.id::<ConnectionId>(),
        group: 7,
        group_path: String::from("acme/商店"),
        state: ImportState::Draft,
        by: by.clone(),
        reason: None,
        trouble: None,
        retry_at: None,
        exhausted: 0,
        created_at: ctx.now(),
        started_at: None,
        ended_at: None,
    }
}

fn item(repository: i64, path: &str) -> ImportItemRecord {
    ImportItemRecord {
        repository,
        path: path.to_owned(),
        archived: repository == 3,
        slug: format!("r{repository}"),
        name: String::from("订单服务"),
        state: ItemState::Waiting,
        app: None,
        reason: None,
        tries: 0,
        ended_at: None,
    }
}

async fn made(ctx: &OpCtx, slug: &str, key: &str) -> Authorized<Project, may::AppCreate> {
    let input = project::Input {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        description: String::new(),
        key: key.to_owned(),
        internal: false,
    };
    project::create(ctx, "acme", input).await.expect("a project");
    access::project(ctx, "acme", slug).await.expect("it is seen")
}

async fn write(world: &World) -> Box<dyn Tx> {
    world.portal.store.write().await.expect("a transaction")
}

/// Every state is guarded, drafts are one a person and group, and no other project sees any of it.
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
pub async fn an_import_settles_each_repository_once(world: World) {
    let owner = world.person("ada").await;
    world.org("acme", owner.id).await;
    let ctx = world.as_person(&owner);
    let here = made(&ctx, "checkout", "CHK").await;
    let there = made(&ctx, "billing", "BIL").await;
    let (see, modify) = (here.see(), here.modify());
    let mut import = record(&ctx, &owner);
    let id = import.id;

    let mut tx = write(&world).await;
    tx.insert_import(&modify, &import).await.expect("kept");
    for (repository, path) in [(3, "acme/c"), (1, "acme/a"), (2, "acme/b"), (4, "acme/d")] {
        tx.put_import_item(&modify, id, &item(repository, path))
            .await
            .expect("kept");
    }
    let renamed = ImportItemRecord {
        slug: String::from("Not A Slug"),
        ..item(2, "acme/b")
    };
    tx.put_import_item(&modify, id, &renamed).await.expect("changed");
    tx.remove_import_item(&there.modify(), id, 1)
        .await
        .expect("nothing");
    tx.remove_import_item(&modify, id, 4).await.expect("removed");
    tx.commit().await.expect("it commits");

    let mut tx = write(&world).await;
    let second = ImportRecord {
        id: ctx.id(),
        ..import.clone()
    };
    let refused = tx.insert_import(&modify, &second).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    drop(tx);

    let mut tx = ctx.read().await.expect("a reader");
    let items = tx.import_items(&see, id).await.expect("items");
    let paths: Vec<&str> = items.iter().map(|(item, _)| item.path.as_str()).collect();
    assert_eq!(paths, ["acme/a", "acme/b", "acme/c"]);
    assert_eq!((&items[1].0, items[2].0.archived), (&renamed, true));
    assert_eq!(
        tx.import(&see, id).await.expect("it answers"),
        Some(import.clone())
    );
    assert_eq!(tx.import(&there.see(), id).await.expect("it answers"), None);
    assert!(tx.import_items(&there.see(), id).await.expect("none").is_empty());
    let mine = tx.import_draft(&see, owner.id, import.connection, 7).await;
    assert_eq!(mine.expect("it answers").map(|draft| draft.id), Some(id));
    assert!(
        tx.imports(&see, 10).await.expect("none").is_empty(),
        "drafts are not listed"
    );
    drop(tx);

    // A draft settles nothing; a running import settles each once.
    let done = ImportItemRecord {
        state: ItemState::Done,
        app: Some(ctx.id::<AppId>()),
        ended_at: Some(ctx.now()),
        ..item(1, "acme/a")
    };
    let mut tx = write(&world).await;
    let early = tx.settle_import_item(&modify, id, &done).await;
    assert!(matches!(early, Err(StoreError::Gone)), "{early:?}");
    import.state = ImportState::Running;
    import.started_at = Some(ctx.now());
    import.trouble = Some(Text::new("wait", "等待"));
    import.retry_at = Some(ctx.now());
    import.exhausted = 1;
    tx.update_import(&modify, &import, ImportState::Draft)
        .await
        .expect("it runs");
    let again = tx.update_import(&modify, &import, ImportState::Draft).await;
    assert!(matches!(again, Err(StoreError::Gone)), "{again:?}");
    let foreign = tx.settle_import_item(&there.modify(), id, &done).await;
    assert!(matches!(foreign, Err(StoreError::Gone)), "{foreign:?}");
    assert_eq!(
        tx.import(&see, id).await.expect("it answers"),
        Some(import.clone())
    );
    let first = tx.next_import_item(&see, id).await.expect("it answers");
    assert_eq!(first.map(|item| item.repository), Some(1));
    tx.settle_import_item(&modify, id, &done).await.expect("settled");
    let twice = tx.settle_import_item(&modify, id, &done).await;
    assert!(matches!(twice, Err(StoreError::Gone)), "{twice:?}");
    let failed = ImportItemRecord {
        state: ItemState::Failed,
        reason: Some(Text::new("gone", "已不存在")),
        tries: 5,
        ..item(2, "acme/b")
    };
    tx.settle_import_item(&modify, id, &failed)
        .await
        .expect("settled");
    let note = Text::new("no webhook", "没有 Webhook");
    tx.note_import_item(&modify, id, 1, &note).await.expect("noted");
    tx.commit().await.expect("it commits");

    let mut tx = write(&world).await;
    let items = tx.import_items(&see, id).await.expect("items");
    assert_eq!(items[0].0.reason, Some(note));
    assert_eq!(
        (&items[0].1, &items[1].0),
        (&None, &failed),
        "an app that is not there is not shown"
    );
    let counts = tx.imports(&see, 10).await.expect("a list")[0].1;
    assert_eq!((counts.done, counts.failed, counts.waiting), (1, 1, 1));
    assert_eq!(tx.retry_import_items(&there.modify(), id).await.expect("none"), 0);
    assert_eq!(tx.retry_import_items(&modify, id).await.expect("one"), 1);
    let waits = tx
        .next_import_item(&see, id)
        .await
        .expect("it answers")
        .expect("one");
    assert_eq!((waits.repository, waits.tries, waits.reason), (2, 0, None));
    tx.commit().await.expect("it commits");
}

/// Old drafts go with what is in them, others stay; and a slug that names a workload is taken for good.
pub async fn drafts_are_forgotten_and_slugs_are_known(world: World) {
    let owner = world.person("ada").await;
    world.org("acme", owner.id).await;
    let ctx = world.as_person(&owner);
    let here = made(&ctx, "checkout", "CHK").await;
    let modify = here.modify();
    let mut ids = Vec::new();
    for (group, age) in [(1, 8), (2, 1)] {
        let import = ImportRecord {
            group,
            created_at: ctx.now().plus(-age * DAY),
            ..record(&ctx, &owner)
        };
        let mut tx = write(&world).await;
        tx.insert_import(&modify, &import).await.expect("kept");
        tx.put_import_item(&modify, import.id, &item(1, "acme/a"))
            .await
            .expect("kept");
        tx.commit().await.expect("it commits");
        ids.push(import.id);
    }
    let mut tx = write(&world).await;
    tx.delete_import_drafts(&modify, ctx.now().plus(-7 * DAY))
        .await
        .expect("gone");
    tx.commit().await.expect("it commits");
    let mut tx = ctx.read().await.expect("a reader");
    assert_eq!(tx.import(&here.see(), ids[0]).await.expect("it answers"), None);
    assert!(
        tx.import(&here.see(), ids[1])
            .await
            .expect("it answers")
            .is_some()
    );
    drop(tx);

    let input = app::Input {
        slug: String::from("orders"),
        name: String::from("Orders"),
        description: String::new(),
    };
    app::create(&ctx, "acme", "checkout", input)
        .await
        .expect("an app");
    let input = place::AppInput {
        slug: String::from("order-api"),
        name: String::from("Orders"),
        description: String::new(),
    };
    place::edit_app(&world.system(), "acme", "checkout", "orders", input)
        .await
        .expect("it is renamed");
    let mut tx = ctx.read().await.expect("a reader");
    let mut taken = tx.taken_app_slugs(&here.see()).await.expect("slugs");
    taken.sort();
    assert_eq!(taken, ["order-api", "orders"]);
    drop(tx);

    // A project goes with its imports.
    place::delete(&ctx, "acme", Some("checkout"), None, "checkout")
        .await
        .expect("it is deleted");
}
