//! Notices: who is told, what they make of it, and what they no longer see.

use super::World;
use slipway_domain::access::Role;
use slipway_domain::item::{ItemKind, Priority, StateKey};
use slipway_domain::member::Holder;
use slipway_domain::notice::{KEPT, NoticeKind, NoticePage};
use slipway_domain::person::PersonRef;
use slipway_domain::time::SECOND;
use slipway_portal::access::{self, At, may};
use slipway_portal::item::NewItem;
use slipway_portal::ports::Which;
use slipway_portal::{Error, OpCtx, home, invitation, item, member, notice, org, project};

const ACME: At<'static> = At {
    org: "acme",
    project: None,
    app: None,
};
const CHECKOUT: At<'static> = At {
    org: "acme",
    project: Some("checkout"),
    app: None,
};

async fn checkout(world: &World) -> OpCtx {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    let input = project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    project::create(&owner, "acme", input).await.unwrap();
    owner
}

/// Somebody with a role in the project, of which nobody was told.
async fn with_role(world: &World, name: &str, role: Role) -> PersonRef {
    let person = world.person(name).await;
    org::grant(&world.system(), "acme", Some("checkout"), person.id, role)
        .await
        .unwrap();
    person
}

async fn assign(ctx: &OpCtx, title: &str, to: Option<&PersonRef>) -> i64 {
    let new = NewItem {
        kind: ItemKind::Task,
        title: title.to_owned(),
        description: String::new(),
        priority: Priority::Normal,
        severity: None,
        assignee: to.map(|person| person.id),
        points: None,
        into_iteration: false,
        column: None,
        more: item::Edit::default(),
    };
    item::create(ctx, "acme", "checkout", new).await.unwrap()
}

async fn page(ctx: &OpCtx) -> NoticePage {
    notice::list(ctx, false, None).await.unwrap()
}

async fn unread(ctx: &OpCtx) -> i64 {
    let count = notice::unread_count(ctx).await.unwrap();
    assert_eq!(
        home::chrome(ctx, None, None, None).await.unwrap().notices_unread,
        count
    );
    assert_eq!(notice::list(ctx, true, None).await.unwrap().unread, count);
    count
}

fn kinds(page: &NoticePage) -> Vec<NoticeKind> {
    let notices = page.threads.iter().flat_map(|thread| &thread.notices);
    notices.map(|notice| notice.kind).collect()
}

/// The people concerned are told, by thread; nobody of their own deeds; marks are one's own.
pub async fn the_people_concerned_are_told(world: World) {
    checkout(&world).await;
    let dora = with_role(&world, "dora", Role::ProjectDeveloper).await;
    let quinn = with_role(&world, "quinn", Role::ProjectTester).await;
    let (developer, tester) = (world.as_person(&dora), world.as_person(&quinn));
    let number = assign(&tester, "It crashes", Some(&dora)).await;
    assign(&developer, "My own", Some(&dora)).await;
    assert_eq!(unread(&developer).await, 1, "nobody is told of what they did");
    assert_eq!(unread(&tester).await, 0);
    world.clock.advance(SECOND);
    for state in [StateKey::IN_PROGRESS, StateKey::IN_TEST] {
        world.clock.advance(SECOND);
        item::set_state(&developer, "acme", "checkout", number, &state, None)
            .await
            .unwrap();
    }
    let told = page(&tester).await;
    assert_eq!(told.threads.len(), 1, "one thread a thing: {told:?}");
    assert_eq!(told.threads[0].subject, format!("CHK-{number} It crashes"));
    assert_eq!(
        told.threads[0].path,
        format!("/orgs/acme/projects/checkout/items/CHK-{number}")
    );
    assert_eq!(told.threads[0].within, "acme / Checkout");
    let words: Vec<_> = told.threads[0].notices.iter().map(|n| n.words.clone()).collect();
    assert_eq!(words[0].en, "DORA moved it to “In test”", "the newest first");
    assert_eq!(words[1].zh, "DORA 将其移至“进行中”");

    // Marks.
    let newest = told.threads[0].notices[0].id;
    notice::mark(&developer, &Which::One(newest), true).await.unwrap();
    assert_eq!(
        unread(&tester).await,
        2,
        "a notice of somebody else is nobody's to mark"
    );
    notice::mark(&tester, &Which::One(newest), true).await.unwrap();
    assert_eq!(unread(&tester).await, 1);
    assert_eq!(
        notice::list(&tester, true, None).await.unwrap().threads[0]
            .notices
            .len(),
        1
    );
    notice::mark(&tester, &Which::One(newest), false).await.unwrap();
    assert_eq!(unread(&tester).await, 2);
    notice::mark(&tester, &Which::Thread(told.threads[0].key.clone()), true)
        .await
        .unwrap();
    assert_eq!((unread(&tester).await, unread(&developer).await), (0, 1));
    notice::mark(&developer, &Which::All, true).await.unwrap();
    assert_eq!(unread(&developer).await, 0);
    assert_eq!(
        page(&developer).await.threads.len(),
        1,
        "what was read stays a while"
    );

    // What was read is forgotten, what was not is kept.
    assign(&tester, "Another", Some(&dora)).await;
    world.clock.advance(KEPT - SECOND);
    assert_eq!(notice::prune(&world.system()).await.unwrap(), 0);
    world.clock.advance(2 * SECOND);
    assert_eq!(notice::prune(&world.system()).await.unwrap(), 3);
    assert_eq!(kinds(&page(&developer).await), [NoticeKind::ItemAssigned]);
    assert!(matches!(notice::prune(&developer).await, Err(Error::NotFound)));
    assert!(matches!(
        notice::list(&world.anonymous(), false, None).await,
        Err(Error::Unauthenticated)
    ));
}

/// A kind that is off and a project that is muted tell nothing; what one may no longer see is not shown and not
/// counted.
pub async fn nobody_is_told_what_they_do_not_want_or_may_not_see(world: World) {
    let owner = checkout(&world).await;
    let dora = with_role(&world, "dora", Role::ProjectDeveloper).await;
    let quinn = with_role(&world, "quinn", Role::ProjectTester).await;
    let (developer, tester) = (world.as_person(&dora), world.as_person(&quinn));
    notice::set_kind(&developer, NoticeKind::ItemAssigned, false)
        .await
        .unwrap();
    assign(&tester, "One", Some(&dora)).await;
    assert_eq!(unread(&developer).await, 0);
    notice::set_kind(&developer, NoticeKind::ItemAssigned, true)
        .await
        .unwrap();
    let settings = notice::settings(&developer).await.unwrap();
    assert!(settings.kinds.iter().all(|(_, on)| *on) && settings.projects.len() == 1);
    let checkout = settings.projects[0].project.id;
    notice::mute(&developer, checkout, true).await.unwrap();
    notice::mute(&developer, checkout, true).await.unwrap();
    assign(&tester, "Two", Some(&dora)).await;
    assert_eq!(unread(&developer).await, 0);
    assert!(notice::settings(&developer).await.unwrap().projects[0].muted);
    notice::mute(&developer, checkout, false).await.unwrap();
    assign(&tester, "Three", Some(&dora)).await;
    assert_eq!(unread(&developer).await, 1);
    let olga = world.person("olga").await;
    let stranger = world.as_person(&olga);
    assert!(matches!(
        notice::mute(&stranger, checkout, true).await,
        Err(Error::NotFound)
    ));

    member::remove(&owner, ACME, dora.id).await.unwrap();
    let gone = world.as_person(&dora);
    assert_eq!(unread(&gone).await, 0, "what they may not see is not counted");
    assert!(page(&gone).await.threads.is_empty());
    org::grant(
        &world.system(),
        "acme",
        Some("checkout"),
        dora.id,
        Role::ProjectViewer,
    )
    .await
    .unwrap();
    assert_eq!(unread(&world.as_person(&dora)).await, 1, "it is theirs again");
}

/// Roles, requests and invitations are told to whom they concern.
pub async fn news_about_roles_reach_whom_they_concern(world: World) {
    let owner = checkout(&world).await;
    let vic = with_role(&world, "vic", Role::ProjectViewer).await;
    let viewer = world.as_person(&vic);
    let lea = with_role(&world, "lea", Role::ProjectLead).await;
    let lead = world.as_person(&lea);
    member::grant(&owner, CHECKOUT, &Holder::Person(vic.id).key(), "project.tester")
        .await
        .unwrap();
    assert_eq!(kinds(&page(&viewer).await), [NoticeKind::RoleGranted]);
    world.clock.advance(SECOND);
    invitation::ask(&viewer, CHECKOUT, "project.ops", "nights")
        .await
        .unwrap();
    assert_eq!(kinds(&page(&lead).await), [NoticeKind::RoleRequest]);
    assert_eq!(kinds(&page(&owner).await), [NoticeKind::RoleRequest]);
    let waiting = member::page(&owner, CHECKOUT).await.unwrap().requests;
    world.clock.advance(SECOND);
    invitation::decide(&owner, CHECKOUT, waiting[0].id, false)
        .await
        .unwrap();
    let told = page(&viewer).await;
    assert_eq!(kinds(&told), [NoticeKind::RoleRequest, NoticeKind::RoleGranted]);
    assert_eq!(
        told.threads[0].notices[0].words.en,
        "ADA refused your request for “operations”"
    );

    let link = super::invited(&owner, CHECKOUT, "project.viewer", "", 7)
        .await
        .unwrap();
    let nia = world.person("nia").await;
    world.clock.advance(SECOND);
    invitation::accept(&world.as_person(&nia), link.split_once("token=").unwrap().1)
        .await
        .unwrap();
    let told = page(&owner).await;
    assert_eq!(kinds(&told)[0], NoticeKind::InvitationAccepted);
    assert_eq!(
        told.threads[0].notices[0].words.en,
        "NIA accepted your invitation"
    );
    assert_eq!(unread(&world.as_person(&nia)).await, 0);
    access::project::<may::See>(&world.as_person(&nia), "acme", "checkout")
        .await
        .unwrap();
}
