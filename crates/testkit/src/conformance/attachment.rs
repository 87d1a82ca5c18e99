//! Files of work items.

use super::World;
use super::item::{checkout, member, task};
use slipway_domain::access::Role;
use slipway_portal::{Error, attachment, item};

/// Files have the rights of their item, and leave their names in its history.
pub async fn a_file_is_its_items(world: World) {
    let owner = checkout(&world).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, quinn) = member(&world, &owner, "quinn", Role::ProjectOps).await;
    let (_, vic) = member(&world, &owner, "vic", Role::ProjectViewer).await;
    let stranger = world.person("sid").await;
    let stranger = world.as_person(&stranger);
    for title in ["a", "b"] {
        item::create(&dora, "acme", "checkout", task(title))
            .await
            .unwrap();
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let add = async |ctx: &slipway_portal::OpCtx, name: &str, content: &[u8]| {
        attachment::add(ctx, "acme", "checkout", 1, (name, content)).await
    };
    assert!(matches!(add(&vic, "a", b"x").await, Err(Error::Forbidden(_))));
    assert!(matches!(add(&stranger, "a", b"x").await, Err(Error::NotFound)));
    assert!(matches!(add(&quinn, "a", b"").await, Err(Error::Invalid(_))));
    assert!(matches!(
        add(&quinn, "a.png", b"\x7fELF\x02\x01\x01").await,
        Err(Error::Invalid(_))
    ));
    let id = add(&quinn, "../b.bin", &bytes).await.unwrap();
    let opened = attachment::open(&vic, "acme", "checkout", 1, id).await.unwrap();
    assert!(opened.attachment.name == "b.bin" && opened.whole().await.unwrap() == bytes);
    let elsewhere = attachment::open(&vic, "acme", "checkout", 2, id).await;
    assert!(matches!(elsewhere, Err(Error::NotFound)));
    assert!(matches!(
        attachment::open(&stranger, "acme", "checkout", 1, id).await,
        Err(Error::NotFound)
    ));
    let refused = attachment::remove(&vic, "acme", "checkout", 1, id).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    attachment::remove(&quinn, "acme", "checkout", 1, id)
        .await
        .unwrap();
    let other = add(&quinn, "c.txt", b"words").await.unwrap();
    attachment::remove(&dora, "acme", "checkout", 1, other)
        .await
        .unwrap();
    let view = item::view(&vic, "acme", "checkout", 1).await.unwrap();
    assert!(view.attachments.is_empty());
    let said: Vec<&str> = view
        .events
        .iter()
        .filter(|event| event.field == "attachment")
        .map(|event| {
            if event.after.said.is_empty() {
                event.before.said.as_str()
            } else {
                event.after.said.as_str()
            }
        })
        .collect();
    assert_eq!(said, ["c.txt", "c.txt", "b.bin", "b.bin"]);
    for number in 0..50 {
        add(&quinn, &format!("{number}.txt"), b"words").await.unwrap();
    }
    assert!(matches!(
        add(&quinn, "one-too-many.txt", b"words").await,
        Err(Error::Invalid(_))
    ));
}
