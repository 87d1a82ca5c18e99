//! Members, groups, roles that organizations make, invitations and requests.

use super::World;
use slipway_domain::access::{Action, Role, ScopeKind};
use slipway_domain::id::BindingId;
use slipway_domain::member::Holder;
use slipway_domain::person::PersonRef;
use slipway_domain::role::custom_key;
use slipway_portal::access::{self, At, may};
use slipway_portal::person::NewAccount;
use slipway_portal::{Error, OpCtx, group, invitation, member, org, project, role};

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

/// `acme`, owned by ada, with the project checkout.
async fn acme(world: &World) -> (PersonRef, OpCtx) {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let ctx = world.as_person(&ada);
    let input = project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    project::create(&ctx, "acme", input).await.unwrap();
    (ada, ctx)
}

async fn with_role(world: &World, owner: &OpCtx, name: &str, place: Option<&str>, role: Role) -> PersonRef {
    let person = world.person(name).await;
    org::grant(owner, "acme", place, person.id, role).await.unwrap();
    person
}

/// The role that the person holds right at the place.
async fn binding(ctx: &OpCtx, at: At<'_>, person: &PersonRef) -> BindingId {
    let page = member::page(ctx, at).await.unwrap();
    let held = page
        .members
        .iter()
        .find(|m| m.person.id == person.id && !m.inherited);
    held.expect("a role held right there").binding
}

fn who(person: &PersonRef) -> String {
    Holder::Person(person.id).key()
}

fn code<T>(answer: Result<T, Error>) -> &'static str {
    answer.err().map_or("it was done", |error| error.code())
}

/// The last owner cannot leave, be demoted or be switched off, not even when two owners do it at once.
pub async fn an_organization_keeps_an_owner(world: World) {
    let (ada, owner) = acme(&world).await;
    let held = binding(&owner, ACME, &ada).await;
    assert_eq!(code(member::revoke(&owner, ACME, held).await), "last_owner");
    assert_eq!(
        code(member::change_role(&owner, ACME, held, "org.admin").await),
        "last_owner"
    );
    assert_eq!(code(member::remove(&owner, ACME, ada.id).await), "last_owner");
    let off = member::set_active(&world.system(), &ada, false).await;
    assert_eq!(code(off), "last_owner");
    access::org::<may::OrgManage>(&world.as_person(&ada), "acme")
        .await
        .expect("nothing was changed");

    let bob = with_role(&world, &owner, "bob", None, Role::OrgOwner).await;
    let other = world.as_person(&bob);
    let (one, two) = tokio::join!(
        member::remove(&owner, ACME, bob.id),
        member::remove(&other, ACME, ada.id)
    );
    assert!(one.is_ok() != two.is_ok(), "one of the two: {one:?}, {two:?}");
}

/// A lead gives what they hold and no more; an admin makes no owners and takes nothing from them.
pub async fn nobody_gives_more_than_they_hold(world: World) {
    let (ada, owner) = acme(&world).await;
    let lea = with_role(&world, &owner, "lea", Some("checkout"), Role::ProjectLead).await;
    let adam = with_role(&world, &owner, "adam", None, Role::OrgAdmin).await;
    let vic = with_role(&world, &owner, "vic", None, Role::OrgMember).await;
    let (lead, admin) = (world.as_person(&lea), world.as_person(&adam));
    member::grant(&lead, CHECKOUT, &who(&vic), "project.developer")
        .await
        .unwrap();
    for (ctx, at, role) in [(&lead, CHECKOUT, "project.owner"), (&admin, ACME, "org.owner")] {
        let answer = member::grant(ctx, at, &who(&vic), role).await;
        assert_eq!(code(answer), "more_than_you_hold", "{role}");
        let invited = super::invited(ctx, at, role, "", 7).await;
        assert_eq!(code(invited), "more_than_you_hold", "{role} by a link");
    }
    assert_eq!(
        code(member::grant(&lead, ACME, &who(&vic), "org.admin").await),
        "forbidden"
    );
    let of_ada = binding(&admin, ACME, &ada).await;
    assert_eq!(
        code(member::revoke(&admin, ACME, of_ada).await),
        "more_than_you_hold"
    );
    assert_eq!(
        code(member::remove(&admin, ACME, ada.id).await),
        "more_than_you_hold"
    );
    // Neither does who makes a role of what they lack.
    let input = role::Input {
        name: String::from("Everything"),
        scope: ScopeKind::Org,
        actions: vec![String::from("promote.production")],
    };
    assert_eq!(
        code(role::create(&admin, "acme", &input).await),
        "more_than_you_hold"
    );
}

/// Only people of the organization can be given a role: an id of somebody else's is as good as none.
pub async fn strangers_are_not_found_by_their_ids(world: World) {
    let (_, owner) = acme(&world).await;
    let eve = world.person("eve").await;
    world.org("other", eve.id).await;
    let answer = member::grant(&owner, CHECKOUT, &who(&eve), "project.viewer").await;
    assert!(
        matches!(&answer, Err(Error::Invalid(fields)) if fields[0].field == "who"),
        "{answer:?}"
    );
    let outsider = world.as_person(&eve);
    let other = At::new("other", None, None);
    let theirs = binding(&outsider, other, &eve).await;
    assert_eq!(code(member::revoke(&owner, ACME, theirs).await), "not_found");
    assert_eq!(code(member::remove(&owner, ACME, eve.id).await), "not_found");
    assert_eq!(code(member::person(&owner, ACME, "eve").await), "not_found");
    let made = group::create(&outsider, "other", "Theirs").await.unwrap();
    assert_eq!(code(group::view(&owner, "acme", made).await), "not_found");
    assert_eq!(code(group::delete(&owner, "acme", made).await), "not_found");
}

/// What an organization's own role allows, it allows wherever a role counts; in use, it stays.
pub async fn a_role_of_ones_own_counts_like_a_built_in_one(world: World) {
    let (_, owner) = acme(&world).await;
    let vic = with_role(&world, &owner, "vic", None, Role::OrgMember).await;
    let input = role::Input {
        name: String::from("Release captain"),
        scope: ScopeKind::Project,
        actions: vec![String::from("promote.production"), String::from("app.create")],
    };
    let id = role::create(&owner, "acme", &input).await.unwrap();
    let taken = role::create(&owner, "acme", &input).await;
    assert!(
        matches!(&taken, Err(Error::Invalid(fields)) if fields[0].field == "name"),
        "{taken:?}"
    );
    member::grant(&owner, CHECKOUT, &who(&vic), &custom_key(id))
        .await
        .unwrap();
    let captain = world.as_person(&vic);
    access::project::<may::AppCreate>(&captain, "acme", "checkout")
        .await
        .expect("it allows");
    let refused = access::project::<may::ProjectManage>(&captain, "acme", "checkout").await;
    assert_eq!(code(refused), "forbidden");
    let here = member::person(&owner, CHECKOUT, "vic").await.unwrap();
    let may: Vec<_> = here
        .abilities
        .iter()
        .filter(|a| !a.reasons.is_empty())
        .map(|a| a.action)
        .collect();
    assert_eq!(may, [Action::See, Action::AppCreate, Action::PromoteProduction]);

    assert_eq!(code(role::delete(&owner, "acme", id).await), "role_in_use");
    let (_, _, version, _) = role::view(&owner, "acme", id).await.unwrap();
    let less = role::Input {
        actions: vec![String::from("item.create")],
        ..input
    };
    role::update(&owner, "acme", id, version, &less).await.unwrap();
    assert_eq!(
        code(role::update(&owner, "acme", id, version, &less).await),
        "changed_meanwhile"
    );
    let now = access::project::<may::AppCreate>(&world.as_person(&vic), "acme", "checkout").await;
    let Err(Error::Forbidden(denial)) = now else {
        panic!("it allows that no more")
    };
    assert!(denial.custom.is_empty(), "{denial:?}");
    let held = binding(&owner, CHECKOUT, &vic).await;
    member::revoke(&owner, CHECKOUT, held).await.unwrap();
    role::delete(&owner, "acme", id).await.unwrap();
}

/// Who is in a group has its roles, and who is taken out has them no more; a removed member leaves every group.
pub async fn a_group_gives_its_roles_to_whoever_is_in_it(world: World) {
    let (_, owner) = acme(&world).await;
    let vic = with_role(&world, &owner, "vic", None, Role::OrgMember).await;
    let id = group::create(&owner, "acme", "Captains").await.unwrap();
    member::grant(&owner, CHECKOUT, &Holder::Group(id).key(), "project.ops")
        .await
        .unwrap();
    let sees = || async {
        access::project::<may::Rollback>(&world.as_person(&vic), "acme", "checkout")
            .await
            .is_ok()
    };
    assert!(!sees().await);
    group::add(&owner, "acme", id, vic.id).await.unwrap();
    assert!(sees().await);
    let here = member::person(&owner, CHECKOUT, "vic").await.unwrap();
    let through = here.roles.iter().find_map(|m| m.via.as_ref()).expect("a group");
    assert_eq!(through.name, "Captains");
    group::take_out(&owner, "acme", id, vic.id).await.unwrap();
    assert!(!sees().await);

    group::add(&owner, "acme", id, vic.id).await.unwrap();
    member::remove(&owner, ACME, vic.id).await.unwrap();
    assert!(!sees().await, "a removed member is in no group either");
    let hidden = access::org::<may::See>(&world.as_person(&vic), "acme").await;
    assert_eq!(code(hidden), "not_found");
    group::delete(&owner, "acme", id).await.unwrap();
    assert!(member::page(&owner, CHECKOUT).await.unwrap().groups.is_empty());
}

/// The explanation of what somebody may do agrees with what they may do, role by role and place by place.
pub async fn the_explanation_is_the_truth(world: World) {
    let (_, owner) = acme(&world).await;
    for role in Role::ALL.iter().filter(|r| r.scope() != ScopeKind::App) {
        let place = (role.scope() == ScopeKind::Project).then_some("checkout");
        let name = role.key().replace('.', "-");
        let person = with_role(&world, &owner, &name, place, *role).await;
        let ctx = world.as_person(&person);
        for at in [ACME, CHECKOUT] {
            let scope = access::anywhere(&owner, at).await.unwrap();
            let held = ctx.rights().await.unwrap().at(&scope);
            for ability in member::person(&owner, at, &name).await.unwrap().abilities {
                let said = !ability.reasons.is_empty();
                assert_eq!(said, held.has(ability.action), "{name} {}", ability.action.key());
            }
        }
    }
}

fn token(link: &str) -> &str {
    link.split_once("token=").expect("a token").1
}

/// An invitation works once, also for two at once; taken back or too old it works for nobody.
pub async fn an_invitation_works_once(world: World) {
    let (_, owner) = acme(&world).await;
    let (nia, noa) = (world.person("nia").await, world.person("noa").await);
    let link = super::invited(&owner, CHECKOUT, "project.tester", "for one of you", 7)
        .await
        .unwrap();
    let (one, two) = (world.as_person(&nia), world.as_person(&noa));
    let seen = invitation::view(&one, token(&link)).await.unwrap();
    assert!(seen.role.is(Role::ProjectTester) && seen.place.project.is_some());
    let (a, b) = tokio::join!(
        invitation::accept(&one, token(&link)),
        invitation::accept(&two, token(&link))
    );
    assert!(a.is_ok() != b.is_ok(), "one of the two: {a:?}, {b:?}");
    assert_eq!(code(a.and(b)), "invitation_used");
    assert_eq!(
        code(invitation::accept(&one, "made-up").await),
        "invitation_unknown"
    );

    let link = super::invited(&owner, ACME, "org.member", "", 1).await.unwrap();
    let open = member::page(&owner, ACME).await.unwrap().invitations;
    invitation::revoke(&owner, ACME, open[0].id).await.unwrap();
    assert_eq!(
        code(invitation::accept(&one, token(&link)).await),
        "invitation_revoked"
    );
    assert_eq!(
        code(invitation::revoke(&owner, ACME, open[0].id).await),
        "not_found"
    );

    let link = super::invited(&owner, ACME, "org.member", "", 1).await.unwrap();
    world.clock.advance(slipway_domain::time::DAY);
    assert_eq!(
        code(invitation::accept(&one, token(&link)).await),
        "invitation_expired"
    );
}

/// A stranger makes an account by a link, and by a used one makes none.
pub async fn a_stranger_joins_by_a_link(world: World) {
    let (_, owner) = acme(&world).await;
    let link = super::invited(&owner, CHECKOUT, "project.developer", "", 7)
        .await
        .unwrap();
    let account = |username: &str| NewAccount {
        username: username.to_owned(),
        name: String::from("Nia"),
        email: None,
        password: String::from("correct horse"),
    };
    let anyone = world.anonymous();
    let short = NewAccount {
        password: String::from("short"),
        ..account("nia")
    };
    let answer = invitation::join(&anyone, token(&link), short).await;
    assert!(matches!(&answer, Err(Error::Invalid(_))), "{answer:?}");
    let (nia, place) = invitation::join(&anyone, token(&link), account("nia"))
        .await
        .unwrap();
    assert_eq!(place.path(), "/orgs/acme/projects/checkout");
    access::project::<may::PipelineRun>(&world.as_person(&nia), "acme", "checkout")
        .await
        .expect("the role is theirs");
    let again = invitation::join(&anyone, token(&link), account("noa")).await;
    assert_eq!(code(again), "invitation_used");
    let mut tx = anyone.read().await.unwrap();
    assert!(
        tx.credentials("noa").await.unwrap().is_none(),
        "no account was made"
    );
}

/// Whoever lacks a role asks for it, once; whoever may give it decides, and nobody else.
pub async fn a_role_is_asked_for_and_given(world: World) {
    let (_, owner) = acme(&world).await;
    let vic = with_role(&world, &owner, "vic", Some("checkout"), Role::ProjectViewer).await;
    let lea = with_role(&world, &owner, "lea", Some("checkout"), Role::ProjectLead).await;
    let (viewer, lead) = (world.as_person(&vic), world.as_person(&lea));
    invitation::ask(&viewer, CHECKOUT, "project.owner", "I build it")
        .await
        .unwrap();
    assert_eq!(
        code(invitation::ask(&viewer, CHECKOUT, "project.owner", "again").await),
        "asked_already"
    );
    let waiting = member::page(&owner, CHECKOUT).await.unwrap().requests;
    assert!(waiting.len() == 1 && waiting[0].may_decide && !waiting[0].own);
    assert!(member::page(&lead, CHECKOUT).await.unwrap().requests.is_empty());
    let id = waiting[0].id;
    let own = invitation::decide(&viewer, CHECKOUT, id, true).await;
    assert_eq!(code(own), "forbidden");
    let too_much = invitation::decide(&lead, CHECKOUT, id, true).await;
    assert_eq!(code(too_much), "more_than_you_hold");
    invitation::decide(&owner, CHECKOUT, id, true).await.unwrap();
    access::project::<may::BreakGlass>(&world.as_person(&vic), "acme", "checkout")
        .await
        .expect("it is theirs");
    assert_eq!(
        code(invitation::decide(&owner, CHECKOUT, id, false).await),
        "not_found"
    );
}

/// An account that is switched off holds nothing and has no session; a new password ends the sessions too.
pub async fn an_account_is_recovered_from_the_command_line(world: World) {
    let (_, owner) = acme(&world).await;
    let vic = with_role(&world, &owner, "vic", Some("checkout"), Role::ProjectViewer).await;
    let system = world.system();
    assert_eq!(
        code(member::set_active(&owner, &vic, false).await),
        "not_found",
        "no person does that"
    );
    member::set_active(&system, &vic, false).await.unwrap();
    let hidden = access::project::<may::See>(&world.as_person(&vic), "acme", "checkout").await;
    assert_eq!(code(hidden), "not_found");
    member::set_active(&system, &vic, true).await.unwrap();
    slipway_portal::person::reset_password(&system, vic.id, String::from("battery staple"))
        .await
        .unwrap();
    let old = slipway_portal::person::sign_in(&system, "vic", "correct horse", "10.0.0.1").await;
    assert_eq!(code(old), "bad_credentials");
    slipway_portal::person::sign_in(&system, "vic", "battery staple", "10.0.0.1")
        .await
        .unwrap();
}
