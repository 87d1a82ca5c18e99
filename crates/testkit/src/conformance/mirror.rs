//! Work items that mirror GitLab issues, as they are stored.

use super::World;
use super::item::{checkout, member};
use slipway_domain::access::Role;
use slipway_domain::id::{CommentId, ConnectionId, ItemId};
use slipway_domain::item::ItemKind;
use slipway_domain::mirror::{Conflict, LinkState, MirrorField, MirrorLink, MirrorRules, Sheet, Taking};
use slipway_portal::access::{self, may};
use slipway_portal::item::NewItem;
use slipway_portal::ports::{LinkRecord, MirrorRecord, NoteRecord, StoreError};
use slipway_portal::{app, item};

/// An item has one issue and an issue one item; who saw a link last changes it; what an app's settings say is kept.
#[expect(clippy::too_many_lines, reason = "one story from its start to its end")]
pub async fn an_item_and_an_issue_are_linked_once(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let input = app::Input {
        slug: String::from("shop"),
        name: String::from("Shop"),
        description: String::new(),
    };
    let id = app::create(&owner, "acme", "checkout", input).await.unwrap();
    let system = world.portal.system("test");
    let of = access::app_by_id::<may::AppManage>(&system, id).await.unwrap();
    let project = access::project_by_id::<may::ItemEdit>(&system, of.project_id())
        .await
        .unwrap();
    for title in ["One", "Two"] {
        item::create(&lead, "acme", "checkout", NewItem::titled(ItemKind::Task, title))
            .await
            .unwrap();
    }
    let mut change = system.change().await.unwrap();
    change.bookkeeping();
    let tx = change.tx();
    let mut items: Vec<ItemId> = Vec::new();
    for number in [1, 2] {
        items.push(tx.item(&project.see(), number).await.unwrap().unwrap().card.id);
    }
    assert!(tx.mirror(&of.see()).await.unwrap().is_none());
    let mut mirror = MirrorRecord {
        since: Some(system.now()),
        rules: MirrorRules::default(),
        bot: owner.user().unwrap().id,
        connection: system.id(),
        repository: 7,
        since_iid: 3,
        cursor: None,
        reconciled_at: None,
        taking: None,
        trouble: None,
        version: 0,
    };
    tx.put_mirror(&of.modify(), &mirror).await.unwrap();
    assert!(
        matches!(tx.put_mirror(&of.modify(), &mirror).await, Err(StoreError::Gone)),
        "somebody set it before"
    );
    mirror = tx.mirror(&of.see()).await.unwrap().unwrap();
    assert_eq!(
        (mirror.version, mirror.rules.clone()),
        (1, MirrorRules::default())
    );
    let taking = Taking {
        pages: 2,
        made: 5,
        done: true,
    };
    mirror.taking = Some(taking);
    mirror.cursor = Some(system.now());
    tx.note_mirror(&of.modify(), &mirror).await.unwrap();
    let known = tx.mirror(&of.see()).await.unwrap().unwrap();
    assert_eq!(
        (known.taking, known.cursor, known.version),
        (Some(taking), mirror.cursor, 1)
    );

    let repository: (ConnectionId, i64) = (mirror.connection, 7);
    let until = system.now();
    let link = |item, iid| LinkRecord {
        item,
        number: 0,
        connection: repository.0,
        repository: repository.1,
        link: MirrorLink {
            app: of.id(),
            iid,
            web_url: String::from("https://gitlab.example/1"),
            author: String::new(),
            state: LinkState::Making,
            conflicts: Vec::new(),
            remark: None,
            trouble: None,
            synced_at: None,
            version: 1,
        },
        made_here: true,
        base: Sheet::default(),
        written: Sheet::default().with(MirrorField::Title, "One"),
        lease_until: Some(until),
        item_version: 0,
        seen_at: None,
    };
    tx.insert_link(&of.modify(), &link(items[0], None)).await.unwrap();
    assert_eq!(tx.lagging_links(&of.see(), 10).await.unwrap(), [items[0]]);
    let mut one = tx.link_of_item(&project.see(), items[0]).await.unwrap().unwrap();
    assert_eq!(
        (one.number, one.link.version, one.lease_until),
        (1, 1, Some(until))
    );
    one.link.iid = Some(9);
    one.link.state = LinkState::Linked;
    one.item_version = 1;
    one.link.conflicts = vec![Conflict {
        field: MirrorField::Title,
        ours: String::from("a"),
        theirs: String::from("b"),
    }];
    tx.update_link(&project.modify(), &one).await.unwrap();
    assert!(
        matches!(
            tx.update_link(&project.modify(), &one).await,
            Err(StoreError::Gone)
        ),
        "somebody else changed it"
    );
    assert!(tx.lagging_links(&of.see(), 10).await.unwrap().is_empty());
    let found = tx.link_of_issue(&of.see(), repository, 9).await.unwrap().unwrap();
    assert_eq!((found.item, found.link.version), (items[0], 2));
    let (links, conflicts) = tx.links_of_app(&of.see(), 10).await.unwrap();
    assert_eq!(
        (links, conflicts.len(), conflicts[0].key.as_str()),
        (1, 1, "CHK-1")
    );

    let comment: CommentId = system.id();
    let mut note = NoteRecord {
        comment,
        note: None,
        base: String::from("said"),
    };
    tx.put_note(&of.modify(), items[0], &note).await.unwrap();
    note.note = Some(4);
    tx.put_note(&of.modify(), items[0], &note).await.unwrap();
    assert_eq!(tx.notes_of(&of.see(), items[0]).await.unwrap(), [note]);
    let target = tx
        .mirror_of_item(&project.see(), items[0])
        .await
        .unwrap()
        .unwrap();
    assert!(target.wanted && target.app == of.id());
    assert_eq!(
        tx.mirror_of_item(&project.see(), items[1]).await.unwrap(),
        None,
        "it is about no app"
    );
    change.commit().await.unwrap();

    // The same issue again is refused.
    let mut change = system.change().await.unwrap();
    let twice = change
        .tx()
        .insert_link(&of.modify(), &link(items[1], Some(9)))
        .await;
    assert!(matches!(twice, Err(StoreError::Constraint(_))), "{twice:?}");
}
