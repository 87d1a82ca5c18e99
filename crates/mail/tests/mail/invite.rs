//! Invitations by mail, and the test of a mail server.

use crate::world::World;
use slipway_domain::invitation::{FreshInvitation, Invitation};
use slipway_domain::mail::PER_HOUR;
use slipway_domain::text::Locale;
use slipway_domain::time::{HOUR, MINUTE, SECOND};
use slipway_portal::access::At;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::{Actor, Error, OpCtx, Result, Via, invitation, mail, member, person};
use slipway_testkit::{SmtpFault, SmtpServer};

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
const PAY: At<'static> = At {
    org: "acme",
    project: Some("checkout"),
    app: Some("pay"),
};

async fn invite(ctx: &OpCtx, at: At<'_>, role: &str, email: &str) -> Result<FreshInvitation> {
    let input = invitation::Input {
        role: role.to_owned(),
        note: String::from("for Zoe"),
        days: 7,
        email: email.to_owned(),
    };
    invitation::create(ctx, at, input).await
}

async fn listed(ctx: &OpCtx, at: At<'_>) -> Vec<Invitation> {
    invitation::list(ctx, at).await.unwrap()
}

fn token(link: &str) -> &str {
    link.split("token=").nth(1).unwrap()
}

fn field(error: &Error) -> &str {
    match error {
        Error::Invalid(fields) => &fields[0].field,
        other => panic!("{other:?}"),
    }
}

pub async fn an_invitation_is_mailed_in_the_language_of_who_invites(world: World) {
    let ada = world.ctx_in(&world.ada, Locale::ZhCn);
    let made = invite(&ada, ACME, "org.member", " zoe@example.com ")
        .await
        .unwrap();
    assert_eq!(made.mail.as_ref().unwrap().trouble, None);
    let mail = world.operators.taken().remove(0);
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("slipway@acme.example", ["zoe@example.com".to_owned()].as_slice())
    );
    let text = mail.part("text/plain");
    for part in ["Ada Okafor", "邀请你", "Acme", "成员", "UTC", &made.link] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(mail.header("Content-Language"), "zh-CN");
    let list = listed(&ada, ACME).await;
    assert_eq!(list[0].email.as_deref(), Some("zoe@example.com"));
    assert!(list[0].mailed_at.is_some_and(|at| ada.now().since(at) < SECOND));
    let zoe = world.portal.ctx(Actor::Anonymous, Via::Web, "test", Locale::En);
    assert_eq!(
        invitation::view(&zoe, token(&made.link)).await.unwrap().by.name,
        "Ada Okafor"
    );
}

pub async fn a_link_is_mailed_from_every_kind_of_place(world: World) {
    let lea = world.ctx(&world.lea);
    for (at, role, place) in [
        (CHECKOUT, "project.developer", "Acme / Checkout"),
        (PAY, "app.viewer", "Acme / Checkout / Pay"),
    ] {
        invite(&lea, at, role, "zoe@example.com").await.unwrap();
        let text = world.operators.taken().pop().unwrap().part("text/plain");
        assert!(
            text.contains(&format!("Lea invites you to {place} in Slipway")),
            "{text}"
        );
        assert!(member::page(&lea, at).await.unwrap().mails);
        assert_eq!(listed(&lea, at).await.len(), 1);
    }
    // Somebody who may not invite sends nothing, and is not told whether mail is set up.
    let (sent, ada) = (world.operators.taken().len(), world.ctx(&world.ada));
    let viewer = invite(&ada, CHECKOUT, "project.viewer", "").await.unwrap();
    assert_eq!(viewer.mail, None);
    let vic = person::NewAccount {
        username: String::from("vic"),
        name: String::from("Vic"),
        email: None,
        password: String::from("correct horse"),
    };
    let (vic, _) = invitation::join(&world.portal.system("test"), token(&viewer.link), vic)
        .await
        .unwrap();
    let vic = world.ctx(&vic);
    let refused = invite(&vic, CHECKOUT, "project.viewer", "zoe@example.com").await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert!(!member::page(&vic, CHECKOUT).await.unwrap().mails);
    assert_eq!(world.operators.taken().len(), sent);
}

pub async fn a_mail_that_fails_leaves_the_invitation_and_its_link(world: World) {
    let ada = world.ctx(&world.ada);
    let days = [
        (
            SmtpFault::Answers("RCPT", "550 5.1.1 no such user"),
            "no such user",
        ),
        (
            SmtpFault::Answers("MAIL", "451 4.3.0 greylisted"),
            "Try again later",
        ),
        (SmtpFault::Closes, "does not answer"),
    ];
    for (number, (fault, words)) in days.into_iter().enumerate() {
        world.operators.fails(Some(fault));
        let made = invite(&ada, ACME, "org.member", "zoe@example.com").await.unwrap();
        let trouble = made.mail.unwrap().trouble.unwrap();
        assert!(
            trouble.en.contains(words) && !trouble.zh.is_empty(),
            "{trouble:?}"
        );
        invitation::view(&ada, token(&made.link)).await.unwrap();
        let list = listed(&ada, ACME).await;
        assert_eq!(list.len(), number + 1);
        assert!(
            list.iter()
                .all(|one| one.email.is_some() && one.mailed_at.is_none())
        );
    }
    assert!(world.operators.taken().is_empty());
}

pub async fn an_organization_s_own_server_wins(world: World) {
    let ada = world.ctx(&world.ada);
    let own = SmtpServer::start().await;
    own.wants("acme", "opensesame");
    world.choose(&own, "acme", "opensesame").await;
    let made = invite(&ada, ACME, "org.member", "zoe@example.com").await.unwrap();
    assert_eq!(made.mail.unwrap().trouble, None);
    let mail = own.taken().remove(0);
    assert_eq!(mail.header("From"), "Acme <ci@acme.example>");
    assert_eq!(own.logins(), [(String::from("acme"), String::from("opensesame"))]);
    assert!(world.operators.taken().is_empty());
    let settings = mail::settings(&ada, "acme").await.unwrap();
    assert_eq!(settings.own.unwrap().port, own.port());
    assert_eq!(settings.operator.unwrap().address, "slipway@acme.example");

    mail::remove(&ada, "acme").await.unwrap();
    invite(&ada, ACME, "org.member", "zoe@example.com").await.unwrap();
    assert_eq!((own.taken().len(), world.operators.taken().len()), (1, 1));
}

pub async fn nobody_has_more_than_twenty_mails_sent_an_hour(world: World) {
    let ada = world.ctx(&world.ada);
    let most = usize::try_from(PER_HOUR).unwrap();
    mail::test(&ada, "acme").await.unwrap();
    world.clock.advance(10 * MINUTE);
    // One fails: it counts as well.
    world.operators.fails(Some(SmtpFault::Closes));
    for _ in 1..most {
        invite(&ada, ACME, "org.member", "zoe@example.com").await.unwrap();
        world.operators.fails(None);
    }
    assert_eq!(world.operators.taken().len(), most - 1);
    let refused = invite(&ada, ACME, "org.member", "zoe@example.com")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "too_many_mails");
    assert!(refused.text().en.contains("in 50 minutes"), "{refused:?}");
    assert_eq!(
        mail::test(&ada, "acme").await.unwrap_err().code(),
        "too_many_mails"
    );
    assert_eq!(listed(&ada, ACME).await.len(), most - 1, "no invitation was made");
    invite(&ada, ACME, "org.member", "").await.unwrap();
    invite(
        &world.ctx(&world.lea),
        CHECKOUT,
        "project.viewer",
        "zoe@example.com",
    )
    .await
    .unwrap();
    assert_eq!(world.operators.taken().len(), most, "others may");

    world.clock.advance(50 * MINUTE);
    invite(&ada, ACME, "org.member", "zoe@example.com").await.unwrap();
    let again = invite(&ada, ACME, "org.member", "zoe@example.com").await;
    assert_eq!(again.unwrap_err().code(), "too_many_mails");
    world.clock.advance(HOUR);
    invite(&ada, ACME, "org.member", "zoe@example.com").await.unwrap();
}

pub async fn where_there_is_no_server_no_address_is_taken(world: World) {
    let without = world.by(Outgoing::with_loopback(), None);
    let ada = without.ctx(Actor::User(world.ada.clone()), Via::Web, "test", Locale::En);
    assert!(!member::page(&ada, ACME).await.unwrap().mails);
    let refused = invite(&ada, ACME, "org.member", "zoe@example.com")
        .await
        .unwrap_err();
    assert_eq!(field(&refused), "email");
    assert_eq!(
        mail::test(&ada, "acme").await.unwrap_err().code(),
        "no_mail_server"
    );
    let with = world.ctx(&world.ada);
    for wrong in [
        "zoe",
        "zoe@",
        "a@b.c, d@e.f",
        "z@e.c\r\nBcc: x@y.z",
        "佐伊@example.com",
    ] {
        let refused = invite(&with, ACME, "org.member", wrong).await.unwrap_err();
        assert_eq!(field(&refused), "email", "{wrong}");
    }
    assert!(listed(&with, ACME).await.is_empty());
    assert!(world.operators.commands().is_empty());
}

pub async fn a_test_goes_to_whoever_asks_for_it(world: World) {
    let ada = world.ctx(&world.ada);
    assert_eq!(mail::test(&ada, "acme").await.unwrap(), "ada@acme.example");
    let mail = world.operators.taken().remove(0);
    assert_eq!(mail.to, ["ada@acme.example"]);
    assert!(mail.part("text/plain").contains("the mail settings of Acme"));
    person::update_profile(&ada, "Ada", "").await.unwrap();
    assert_eq!(mail::test(&ada, "acme").await.unwrap_err().code(), "no_address");
    person::update_profile(&ada, "Ada", "ada@acme.example")
        .await
        .unwrap();
    world
        .operators
        .fails(Some(SmtpFault::Answers("DATA", "554 5.7.1 not today")));
    let refused = mail::test(&ada, "acme").await.unwrap_err();
    assert_eq!(refused.code(), "mail_refused");
    assert!(refused.text().en.contains("not today"));
    world.operators.fails(Some(SmtpFault::Closes));
    let refused = mail::test(&ada, "acme").await.unwrap_err();
    assert!(
        matches!(refused, Error::Unavailable { code: "mail", .. }),
        "{refused:?}"
    );
    let lea = world.ctx(&world.lea);
    for refused in [
        mail::test(&lea, "acme").await.map(drop),
        mail::settings(&lea, "acme").await.map(drop),
        mail::remove(&lea, "acme").await,
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
}

pub async fn a_server_out_of_bounds_is_not_taken(world: World) {
    let own = SmtpServer::start().await;
    let strict = world.by(Outgoing::default(), None);
    let ada = strict.ctx(Actor::User(world.ada.clone()), Via::Web, "test", Locale::En);
    for host in ["127.0.0.1", "localhost", "169.254.169.254", "[::1]"] {
        let input = mail::Input {
            host: host.to_owned(),
            port: own.port().to_string(),
            security: String::from("none"),
            sender: String::from("ci@acme.example"),
            ..mail::Input::default()
        };
        let refused = mail::edit(&ada, "acme", input).await.unwrap_err();
        assert_eq!(field(&refused), "host", "{host}");
    }
    // One that was taken before the bounds were narrowed is not connected to.
    world.choose(&own, "", "").await;
    let made = invite(&ada, ACME, "org.member", "zoe@example.com").await.unwrap();
    let trouble = made.mail.unwrap().trouble.unwrap();
    assert!(trouble.en.contains("outgoing.allow"), "{trouble:?}");
    assert!(own.commands().is_empty());
}
