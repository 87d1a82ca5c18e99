//! Operators, and the server's own audit chain.

use super::World;
use super::person::signed_in;
use slipway_domain::session::PROOF_LASTS;
use slipway_domain::time::MINUTE;
use slipway_domain::token::{Scope, Scopes};
use slipway_portal::audit::ServerQuery;
use slipway_portal::token::TokenUse;
use slipway_portal::{Error, OpCtx, audit, home, member, operator, org, person};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().code().to_owned()
}

async fn log(ctx: &OpCtx) -> Vec<(i64, String, String, String)> {
    let rows = audit::read_server(ctx, &ServerQuery::default()).await.unwrap();
    let row = |row: slipway_domain::audit::AuditRow| (row.seq, row.action, row.actor, row.via);
    rows.into_iter().map(row).collect()
}

/// Operators see and change it; for everybody else it is not there, and by it nobody is anything in an organization.
pub async fn an_operator_stands_for_the_server_and_for_no_organization(world: World) {
    let (ada, oli) = (world.person("ada").await, world.person("oli").await);
    let acme = world.org("acme", ada.id).await;
    assert!(!operator::is_untouched(&world.system()).await.unwrap());
    operator::grant(&world.system(), oli.id).await.unwrap();
    let (owner, here) = (
        signed_in(&world, &ada, "a").await,
        signed_in(&world, &oli, "o").await,
    );

    assert!(matches!(operator::page(&owner, "").await, Err(Error::NotFound)));
    assert!(matches!(
        operator::grant(&owner, ada.id).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        audit::read_server(&owner, &ServerQuery::default()).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        operator::page(&world.anonymous(), "").await,
        Err(Error::Unauthenticated)
    ));
    assert!(!home::chrome(&owner, None, None, None).await.unwrap().operator);
    assert!(home::chrome(&here, None, None, None).await.unwrap().operator);
    assert!(
        org::list(&here).await.unwrap().is_empty(),
        "no organization is theirs by that"
    );
    assert!(matches!(org::overview(&here, "acme").await, Err(Error::NotFound)));

    operator::grant(&here, ada.id).await.unwrap();
    operator::grant(&here, ada.id).await.unwrap();
    let page = operator::page(&owner, "OL").await.unwrap();
    let names = |accounts: &[slipway_domain::operator::Account]| {
        accounts
            .iter()
            .map(|a| a.person.username.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&page.operators), ["ada", "oli"]);
    assert_eq!(names(&page.found), ["oli"]);
    world.clock.advance(PROOF_LASTS + MINUTE);
    assert_eq!(code(operator::revoke(&owner, oli.id).await), "step_up");
    assert!(
        operator::page(&owner, "%").await.is_ok(),
        "to look is not to change"
    );

    assert_eq!(
        log(&owner).await,
        [
            (
                2,
                String::from("operator.grant"),
                String::from("OLI"),
                String::from("web")
            ),
            (
                1,
                String::from("operator.grant"),
                String::from("slipway"),
                String::from("system")
            ),
        ],
        "the second click changed nothing"
    );
    let mut tx = owner.read().await.unwrap();
    assert_eq!(tx.verify_server_audit().await.unwrap(), None);
    assert_eq!(tx.verify_audit(acme.id).await.unwrap(), None);
}

/// Neither the flag of the last operator who can sign in nor their account goes in the browser; whoever runs the server
/// may do both.
pub async fn the_last_operator_stays_but_for_the_command_line(world: World) {
    let (ada, oli) = (world.person("ada").await, world.person("oli").await);
    assert!(operator::is_untouched(&world.system()).await.unwrap());
    operator::grant(&world.system(), oli.id).await.unwrap();
    operator::grant(&world.system(), ada.id).await.unwrap();
    let (here, there) = (
        signed_in(&world, &oli, "o").await,
        signed_in(&world, &ada, "a").await,
    );

    assert_eq!(
        code(operator::set_active(&here, oli.id, false).await),
        "own_account"
    );
    operator::set_active(&here, ada.id, false).await.unwrap();
    assert!(
        matches!(operator::page(&there, "").await, Err(Error::NotFound)),
        "it counts at once"
    );
    assert_eq!(code(operator::revoke(&here, oli.id).await), "last_operator");
    assert_eq!(code(operator::grant(&here, ada.id).await), "deactivated");
    operator::set_active(&here, ada.id, true).await.unwrap();
    operator::revoke(&here, oli.id).await.unwrap();
    let back = signed_in(&world, &ada, "b").await;
    assert!(matches!(operator::page(&here, "").await, Err(Error::NotFound)));
    assert_eq!(code(operator::revoke(&back, ada.id).await), "last_operator");

    member::set_active(&world.system(), &ada, false).await.unwrap();
    assert_eq!(operator::count(&world.system()).await.unwrap(), 0);
    operator::revoke(&world.system(), ada.id).await.unwrap();
    operator::grant(&world.system(), oli.id).await.unwrap();
    let actions: Vec<_> = log(&here).await.into_iter().map(|row| row.1).collect();
    assert_eq!(
        actions[..3],
        ["operator.grant", "operator.revoke", "person.deactivate"]
    );
}

/// Two operators who take each other away at the same time leave one.
pub async fn two_operators_cannot_take_each_other_away(world: World) {
    let (ada, oli) = (world.person("ada").await, world.person("oli").await);
    for person in [&ada, &oli] {
        operator::grant(&world.system(), person.id).await.unwrap();
    }
    let (one, other) = (
        signed_in(&world, &ada, "a").await,
        signed_in(&world, &oli, "o").await,
    );
    let (first, second) = futures::future::join(
        operator::revoke(&one, oli.id),
        operator::set_active(&other, ada.id, false),
    )
    .await;
    assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
    assert_eq!(operator::count(&world.system()).await.unwrap(), 1);
    let mut tx = world.system().read().await.unwrap();
    assert_eq!(tx.verify_server_audit().await.unwrap(), None);
}

/// A token acts as an operator only where it says so, and makes none.
pub async fn a_token_is_an_operators_only_where_it_says_so(world: World) {
    let oli = world.person("oli").await;
    operator::grant(&world.system(), oli.id).await.unwrap();
    let by = |scopes: &[Scope]| {
        let token = TokenUse {
            id: world.system().id(),
            name: String::from("ci"),
            scopes: Scopes::of(scopes),
            project: None,
        };
        world
            .portal
            .ctx_by_token(oli.clone(), token, "test", slipway_domain::text::Locale::En)
    };
    let plain = by(&[Scope::Manage, Scope::Audit]);
    assert_eq!(code(operator::list(&plain).await), "insufficient_scope");
    assert!(!home::chrome(&plain, None, None, None).await.unwrap().operator);
    let saying = by(&[Scope::Operate]);
    assert_eq!(operator::list(&saying).await.unwrap().len(), 1);
    assert_eq!(code(operator::revoke(&saying, oli.id).await), "by_token");

    let here = signed_in(&world, &oli, "o").await;
    let input = |scopes: Vec<Scope>| slipway_portal::token::Input {
        name: String::from("ci"),
        scopes,
        days: 1,
    };
    assert!(
        slipway_portal::token::list(&here)
            .await
            .unwrap()
            .scopes
            .contains(&Scope::Operate)
    );
    slipway_portal::token::create(&here, input(vec![Scope::Operate]))
        .await
        .unwrap();
    let dora = world.person("dora").await;
    let other = signed_in(&world, &dora, "d").await;
    assert!(
        !slipway_portal::token::list(&other)
            .await
            .unwrap()
            .scopes
            .contains(&Scope::Operate)
    );
    let refused = slipway_portal::token::create(&other, input(vec![Scope::Operate])).await;
    assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "scopes"));
}

/// What was done to an account from the command line stands in the server's log, also of one that is in no organization.
pub async fn the_servers_own_log_is_read_in_parts(world: World) {
    let (oli, dora) = (world.person("oli").await, world.person("dora").await);
    operator::grant(&world.system(), oli.id).await.unwrap();
    person::unlock(&world.system(), &dora).await.unwrap();
    let here = signed_in(&world, &oli, "o").await;
    assert_eq!(log(&here).await[0].1, "person.unlock");
    let filtered = ServerQuery {
        action: Some(String::from("person.")),
        before: None,
    };
    assert_eq!(audit::read_server(&here, &filtered).await.unwrap().len(), 1);
    let older = ServerQuery {
        action: None,
        before: Some(2),
    };
    assert_eq!(audit::read_server(&here, &older).await.unwrap()[0].seq, 1);
}

/// No organization takes the words that stand for the server; one that had one keeps it.
pub async fn no_organization_is_called_as_the_server(world: World) {
    let ada = world.person("ada").await;
    let refused = org::create(&world.system(), "operator", "Operator", ada.id).await;
    assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "slug"));
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    let input = |slug: &str| slipway_portal::place::OrgInput {
        slug: slug.to_owned(),
        name: String::from("Acme"),
    };
    let refused = slipway_portal::place::edit_org(&owner, "acme", input("server")).await;
    assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "slug"));
    slipway_portal::place::edit_org(&owner, "acme", input("operators"))
        .await
        .unwrap();
}
